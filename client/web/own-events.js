// This server's own events, `audiogpt.` (realtime/own_events.py), as steps of the page's state. Pure.
// The page works without any of them.

import { add, change, find, put, withNotice } from "./entries.js";

/** Stages of a turn in the order in which they happen. */
export const STAGES = ["endpoint", "asr", "plan", "speech", "send"];

const STALE_MS = 4_000; // progress is told every 2 s for as long as it lasts

/** What is being worked on at `now`: {message, elapsedMs}, or null. */
export function progressAt(progress, now) {
  if (!progress || now - progress.toldAt > STALE_MS) return null;
  return { message: progress.message, elapsedMs: now - progress.since };
}

// --- what the person said --------------------------------------------------------------------------------

function partial(state, event) {
  const entry = find(state, event.item_id);
  if (entry && ["final", "aside"].includes(entry.status)) return state; // a late one un-firms nothing
  const fields = { kind: "you", text: event.text, stable: Math.min(event.stable ?? 0, event.text.length) };
  return put(state, event.item_id, { status: "hearing", typed: false, ...entry, ...fields });
}

/** Words that were heard and rightly not answered stay as an aside; the server takes the rest back itself. */
function turnDecision(state, event) {
  const decision = { decision: event.decision, why: event.why ?? "", evidence: event.evidence ?? {} };
  const entry = find(state, event.item_id);
  const aside = entry?.text && ["backchannel", "captured"].includes(event.decision);
  return change(state, event.item_id, aside ? { decision, status: "aside", stable: entry.text.length } : { decision });
}

const CAPTURE_ENDS = {
  empty: { dictation: "Nothing was heard to write down.", melody: "No tune was heard.", recording: "Nothing was recorded." },
  cancelled: { dictation: "No longer writing down.", melody: "No longer waiting for a tune.", recording: "Recording given up." },
};

function capture(state, event, now) {
  if (event.state === "waiting" || event.state === "listening") {
    const since = state.capture?.state === event.state ? state.capture.since : now;
    return { ...state, capture: { kind: event.kind, state: event.state, since } };
  }
  const over = { ...state, capture: null };
  if (event.state !== "done") return withNotice(over, "info", CAPTURE_ENDS[event.state]?.[event.kind] ?? "Nothing was kept.");
  const fields = { text: event.text ?? "", ...(event.duration_ms && { durationMs: event.duration_ms }) };
  // The note takes the place of the utterances that went into it.
  const written = (entry) => entry.status === "aside" && entry.decision?.decision === "captured";
  const left = event.text ? { ...over, entries: over.entries.filter((entry) => !written(entry)) } : over;
  const known = event.artefact_id && state.artefacts[event.artefact_id];
  if (!known) return event.text ? add(left, { kind: "note", text: event.text }) : left;
  const artefacts = { ...state.artefacts, [event.artefact_id]: { ...known, ...fields } };
  return change({ ...left, artefacts }, event.artefact_id, fields);
}

// --- where the time went ---------------------------------------------------------------------------------

function turnLatency(state, event) {
  const latency = { stages: event.stages_ms ?? {}, total: event.total_ms };
  const owner =
    state.entries.find((entry) => entry.responseId === event.response_id) ?? find(state, event.item_id);
  if (owner) return change(state, owner.id, { latency });
  return { ...state, waiting: { ...state.waiting, [event.response_id]: latency } };
}

/** Gives a response's first line the latency that arrived before it. */
export function withWaitingLatency(state, responseId) {
  if (!responseId || !state.waiting[responseId]) return state;
  const { [responseId]: latency, ...waiting } = state.waiting;
  const owner = state.entries.find((entry) => entry.responseId === responseId);
  return owner ? change({ ...state, waiting }, owner.id, { latency }) : state;
}

/** A response that ended without a line of its own gives its latency to the last thing the person said. */
export function withUnclaimedLatency(state, responseId) {
  if (!state.waiting[responseId]) return state;
  const { [responseId]: latency, ...waiting } = state.waiting;
  const owner = state.entries.findLast((entry) => entry.kind === "you");
  return owner ? change({ ...state, waiting }, owner.id, { latency }) : { ...state, waiting };
}

function progress(state, event, now) {
  const elapsed = event.elapsed_ms ?? 0;
  return { ...state, progress: { responseId: event.response_id, message: event.message, since: now - elapsed, toldAt: now } };
}

// --- music, artefacts, timers ----------------------------------------------------------------------------

function musicState(state, event, now) {
  if (!event.playing) {
    return state.music?.artefactId === event.artefact_id ? { ...state, music: null } : state;
  }
  const artefact = state.artefacts[event.artefact_id];
  const music = {
    artefactId: event.artefact_id,
    responseId: artefact?.responseId ?? null,
    name: artefact?.name ?? "",
    bar: event.bar ?? 0,
    beats: event.beats ?? 0,
    tempo: event.tempo ?? 0,
    key: event.key ?? "",
    section: event.section ?? "",
    chords: event.chords ?? [],
    instruments: event.instruments ?? [],
    since: now,
  };
  return { ...state, music, progress: null };
}

/** As the server counts: through the session, whatever the kind. */
function nextNumber(artefacts) {
  return 1 + Math.max(0, ...Object.values(artefacts).map(({ number }) => number));
}

const MEDIA = { speech: "sound", sound: "sound", image: "image" };
const SAME_MS = 50; // the server's length of a sound and the page's differ by less than the last packet

/** The line of a sound or picture of the person's that this event gives a number to. */
function uploadOf(state, event) {
  return state.entries.find((entry) => entry.kind === "attachment" && (entry.artefactId ?? event.id) === event.id
    && ["sending", "final"].includes(entry.status) && entry.media === MEDIA[event.kind] && !state.entries.some(({ id }) => id === event.id)
    && (entry.media === "image" || Math.abs(entry.durationMs - event.duration_ms) < SAME_MS));
}

function artefactCreated(state, event) {
  const known = state.artefacts[event.id];
  const artefact = {
    number: event.number ?? known?.number ?? nextNumber(state.artefacts),
    name: event.name,
    artefactKind: event.kind,
    text: event.text || known?.text || "",
    durationMs: event.duration_ms ?? known?.durationMs ?? null,
    url: event.url ?? known?.url ?? null,
    responseId: event.response_id ?? known?.responseId ?? null,
  };
  const kept = { ...state, artefacts: { ...state.artefacts, [event.id]: artefact } };
  const upload = uploadOf(state, event);
  if (upload) return change(kept, upload.id, { artefactId: event.id, number: artefact.number, ...(event.text && { words: event.text }) });
  const shown = put(kept, event.id, { kind: "artefact", latency: find(state, event.id)?.latency ?? null, ...artefact });
  return withWaitingLatency(shown, event.response_id);
}

function timer(state, event, now) {
  const others = state.timers.filter((one) => one.label !== event.label);
  if (event.state === "set") {
    return { ...state, timers: [...others, { label: event.label, seconds: event.seconds, endsAt: now + event.seconds * 1000 }] };
  }
  const done = { ...state, timers: others };
  return event.state === "over" ? withNotice(done, "info", `${event.label || "The timer"} is over.`) : done;
}

function activity(state, event) {
  const audible = event.state === "speaking" || event.state === "playing";
  return {
    ...state,
    activity: { state: event.state, detail: event.detail ?? "" },
    progress: audible ? null : state.progress,
  };
}

function sessionInfo(state, { profile, backends, version, voices = [] }) {
  return { ...state, info: { profile, backends, version, voices } };
}

/** event type -> (state, event, now) -> state */
export const ownHandlers = {
  "audiogpt.session.info": sessionInfo,
  "audiogpt.activity": activity,
  "audiogpt.input_transcript.partial": partial,
  "audiogpt.turn.decision": turnDecision,
  "audiogpt.progress": progress,
  "audiogpt.capture": capture,
  "audiogpt.turn.latency": turnLatency,
  "audiogpt.artefact.created": artefactCreated,
  "audiogpt.music.state": musicState,
  "audiogpt.timer": timer,
  "audiogpt.notice": (state, event) => withNotice(state, event.level, event.message),
};
