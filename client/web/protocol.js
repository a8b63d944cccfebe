// What the page knows, as a pure function of the events it receives: reduce(state, event, now) -> state.
//
// Nothing here touches the network or the document, so a whole dialogue is tested as a list of events.
// A state is never changed in place. Event names and shapes are the OpenAI Realtime protocol's; those that
// begin with `audiogpt.` are this server's own (realtime/own_events.py) and the page works without them.

/** Stages of a turn in the order in which they happen. */
export const STAGES = ["endpoint", "asr", "plan", "speech", "send"];

/** Errors that only say that there was nothing to interrupt: true, and of no use to the person. */
const QUIET_ERRORS = new Set(["response_cancel_not_active", "output_audio_buffer_empty"]);

/**
 * The state before the first event.
 *
 * `entries` is the conversation in order: kind "you", "assistant", "artefact", "notice" or "divider".
 * `responses` maps the id of each response still open to the purpose its metadata names ("reply" if none).
 * `waiting` holds latencies that arrived before anything of their response could be shown.
 */
export function initialState() {
  return {
    session: null,
    info: null,
    activity: { state: "listening", detail: "" },
    entries: [],
    responses: {},
    sounding: false,
    music: null,
    timers: [],
    artefacts: {},
    waiting: {},
    serial: 0,
  };
}

/** The state after `event`, received at `now` (milliseconds). An unknown event changes nothing. */
export function reduce(state, event, now = 0) {
  const handler = Object.hasOwn(handlers, event?.type ?? "") ? handlers[event.type] : null;
  return handler ? handler(state, event, now) : state;
}

/** True while there is something that an interrupt would stop. */
export function canInterrupt(state) {
  return state.sounding || state.music !== null || Object.keys(state.responses).length > 0;
}

/** True while the assistant answers; music and sounds that go on by themselves do not count. */
export function isReplying(state) {
  return Object.values(state.responses).includes("reply");
}

/** The state with a typed line shown at once, before the server confirms it under the same `id`. */
export function withTyped(state, id, text) {
  return put(state, id, { kind: "you", text, stable: text.length, status: "sending", typed: true });
}

/** The state with words for the person from the page itself, such as a lost connection. */
export function withNotice(state, level, message) {
  return add(state, { kind: "notice", level, message });
}

/**
 * The state of a page whose call ended: nothing is open, nothing sounds, no line is left half-way.
 *
 * `unsent` holds the ids of typed lines that the next call will still send.
 */
export function withoutCall(state, unsent = new Set()) {
  const halfWay = (entry) => IN_PROGRESS.has(entry.status) && !unsent.has(entry.id);
  const entries = state.entries
    .filter((entry) => entry.text !== "" || !halfWay(entry))
    .map((entry) => (halfWay(entry) ? { ...entry, status: "cut" } : entry));
  return { ...state, entries, responses: {}, sounding: false, music: null, timers: [], waiting: {},
    activity: { state: "listening", detail: "" } };
}

const IN_PROGRESS = new Set(["hearing", "settling", "sending", "speaking"]);

// --- entries -------------------------------------------------------------------------------------------

function find(state, id) {
  return state.entries.find((entry) => entry.id === id);
}

/** Changes the entry `id`, or adds it with `fields` where there is none. */
function put(state, id, fields) {
  if (!find(state, id)) return add(state, { id, ...fields });
  return { ...state, entries: state.entries.map((entry) => (entry.id === id ? { ...entry, ...fields } : entry)) };
}

function change(state, id, fields) {
  return find(state, id) ? put(state, id, fields) : state;
}

function add(state, entry) {
  const serial = state.serial + 1;
  return { ...state, serial, entries: [...state.entries, { id: `local-${serial}`, ...entry }] };
}

// --- the person's side ---------------------------------------------------------------------------------

function speechStarted(state, event) {
  return put(state, event.item_id, { kind: "you", text: "", stable: 0, status: "hearing", typed: false });
}

function partial(state, event) {
  const entry = find(state, event.item_id);
  if (entry && entry.status === "final") return state; // a late partial never un-firms a final line
  const fields = { kind: "you", text: event.text, stable: Math.min(event.stable ?? 0, event.text.length) };
  return put(state, event.item_id, { status: "hearing", typed: false, ...entry, ...fields });
}

function speechStopped(state, event) {
  const entry = find(state, event.item_id);
  return entry?.status === "hearing" ? change(state, event.item_id, { status: "settling" }) : state;
}

/** An utterance that turned out to be noise: what was not committed is taken back. */
function inputCleared(state) {
  const open = (entry) => entry.kind === "you" && !entry.committed && !entry.typed && IN_PROGRESS.has(entry.status);
  return { ...state, entries: state.entries.filter((entry) => !open(entry)) };
}

function committed(state, event) {
  return change(state, event.item_id, { committed: true, status: "settling" });
}

function transcriptionDelta(state, event) {
  const entry = find(state, event.item_id);
  if (!entry || entry.status === "final") return state;
  const settled = (entry.settled ?? "") + (event.delta ?? "");
  // The partial usually runs ahead of the final text; keep its tail faint rather than shrinking the line.
  const text = entry.text.startsWith(settled) ? entry.text : settled;
  return change(state, event.item_id, { settled, text, stable: Math.max(settled.length, entry.stable) });
}

function transcriptionCompleted(state, event) {
  const text = (event.transcript ?? "").trim();
  return put(state, event.item_id, { kind: "you", text, stable: text.length, status: "final" });
}

function transcriptionFailed(state, event) {
  const failed = put(state, event.item_id, { kind: "you", status: "failed" });
  return withNotice(failed, "error", event.error?.message || "That could not be written down. Please say it again.");
}

// --- the assistant's side ------------------------------------------------------------------------------

function responseCreated(state, event) {
  const purpose = event.response.metadata?.audiogpt ?? "reply";
  return { ...state, responses: { ...state.responses, [event.response.id]: purpose } };
}

function itemAdded(state, event) {
  const item = event.item;
  if (item?.type !== "message") return state;
  if (item.role === "user") return userItemAdded(state, item);
  return item.role === "assistant" ? assistantItem(state, item.id, null) : state;
}

function userItemAdded(state, item) {
  const typed = (item.content ?? []).filter((part) => part.type === "input_text").map((part) => part.text).join(" ");
  if (typed) {
    const fields = { kind: "you", text: typed, stable: typed.length, status: "final", typed: true };
    // A server may give the item an id of its own: then the line shown at once is the one it confirms.
    const sent = state.entries.find((entry) => entry.status === "sending" && entry.text === typed);
    if (!sent || find(state, item.id)) return put(state, item.id, fields);
    const entries = state.entries.map((entry) => (entry === sent ? { ...entry, ...fields, id: item.id } : entry));
    return { ...state, entries };
  }
  const spoken = (item.content ?? []).find((part) => part.type === "input_audio");
  if (!spoken) return state;
  const entry = find(state, item.id);
  if (entry) return change(state, item.id, { committed: true });
  const text = spoken.transcript ?? "";
  return put(state, item.id, { kind: "you", text, stable: text.length, status: "settling", typed: false, committed: true });
}

function outputItemAdded(state, event) {
  if (event.item?.type !== "message") return state;
  // Music and sound are responses without words: they are shown as what was made, not as a line.
  const wordless = (state.responses[event.response_id] ?? "reply") !== "reply";
  return wordless ? state : assistantItem(state, event.item.id, event.response_id);
}

function assistantItem(state, id, responseId) {
  const entry = find(state, id);
  const fields = { kind: "assistant", responseId: responseId ?? entry?.responseId ?? null };
  if (!entry) Object.assign(fields, { text: "", status: "speaking", latency: null });
  return withWaitingLatency(put(state, id, fields), fields.responseId);
}

function saidDelta(state, event) {
  const known = find(state, event.item_id) ? state : assistantItem(state, event.item_id, event.response_id);
  const entry = find(known, event.item_id);
  return put(known, event.item_id, { text: entry.text + event.delta });
}

function saidDone(state, event, text) {
  const entry = find(state, event.item_id);
  // After an interruption the words that were not heard are not shown, whatever the whole text was.
  if (!entry || entry.status !== "speaking") return state;
  return put(state, event.item_id, { text: text || entry.text });
}

function truncated(state, event) {
  return change(state, event.item_id, { status: "interrupted" });
}

const ENDINGS = { completed: "done", cancelled: "interrupted", failed: "failed", incomplete: "interrupted" };

function responseDone(state, event) {
  const { id, status, status_details: details } = event.response;
  const { [id]: purpose = "reply", ...responses } = state.responses;
  const ending = ENDINGS[status] ?? "done";
  const open = (entry) => entry.responseId === id && entry.status === "speaking";
  const entries = state.entries
    .filter((entry) => !open(entry) || entry.text || entry.latency) // stopped before its first word
    .map((entry) => (open(entry) ? { ...entry, status: ending } : entry));
  const ended = withUnclaimedLatency({ ...state, responses, entries }, id);
  if (status !== "failed") return ended;
  const cause = details?.error?.message || (purpose === "reply" ? "The reply could not be made." : `The ${purpose} stopped.`);
  return withNotice(ended, "error", cause);
}

// --- latency -------------------------------------------------------------------------------------------

function turnLatency(state, event) {
  const latency = { stages: event.stages_ms ?? {}, total: event.total_ms };
  const owner =
    state.entries.find((entry) => entry.responseId === event.response_id) ?? find(state, event.item_id);
  if (owner) return change(state, owner.id, { latency });
  return { ...state, waiting: { ...state.waiting, [event.response_id]: latency } };
}

function withWaitingLatency(state, responseId) {
  if (!responseId || !state.waiting[responseId]) return state;
  const { [responseId]: latency, ...waiting } = state.waiting;
  const owner = state.entries.find((entry) => entry.responseId === responseId);
  return owner ? change({ ...state, waiting }, owner.id, { latency }) : state;
}

/** A response that ended without a line of its own gives its latency to the last thing the person said. */
function withUnclaimedLatency(state, responseId) {
  if (!state.waiting[responseId]) return state;
  const { [responseId]: latency, ...waiting } = state.waiting;
  const owner = state.entries.findLast((entry) => entry.kind === "you");
  return owner ? change({ ...state, waiting }, owner.id, { latency }) : { ...state, waiting };
}

// --- music, artefacts, timers, notices -----------------------------------------------------------------

function musicState(state, event, now) {
  if (!event.playing) {
    return state.music?.artefactId === event.artefact_id ? { ...state, music: null } : state;
  }
  const music = {
    artefactId: event.artefact_id,
    name: state.artefacts[event.artefact_id]?.name ?? "",
    bar: event.bar ?? 0,
    beats: event.beats ?? 0,
    tempo: event.tempo ?? 0,
    key: event.key ?? "",
    section: event.section ?? "",
    chords: event.chords ?? [],
    instruments: event.instruments ?? [],
    since: now,
  };
  return { ...state, music };
}

function artefactCreated(state, event) {
  const known = state.artefacts[event.id];
  const artefact = {
    number: known?.number ?? Object.keys(state.artefacts).length + 1,
    name: event.name,
    artefactKind: event.kind,
    durationMs: event.duration_ms ?? null,
    url: event.url ?? null,
    responseId: event.response_id ?? null,
  };
  const kept = { ...state, artefacts: { ...state.artefacts, [event.id]: artefact } };
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

function failed(state, event) {
  if (QUIET_ERRORS.has(event.error?.code)) return state;
  return withNotice(state, "error", event.error?.message || "Something went wrong on the server.");
}

function sessionCreated(state, event) {
  const fresh = { ...state, session: event.session?.id ?? "session" };
  if (fresh.session === state.session) return state; // a call that was taken up again
  if (!state.session || !state.entries.some((entry) => entry.kind === "you")) return fresh;
  return add(fresh, { kind: "divider", text: "A new conversation. What was said above is no longer remembered." });
}

const sounding = (value) => (state) => ({ ...state, sounding: value });

const handlers = {
  "session.created": sessionCreated,
  "input_audio_buffer.speech_started": speechStarted,
  "input_audio_buffer.speech_stopped": speechStopped,
  "input_audio_buffer.committed": committed,
  "input_audio_buffer.cleared": inputCleared,
  "conversation.item.added": itemAdded,
  "conversation.item.created": itemAdded,
  "conversation.item.input_audio_transcription.delta": transcriptionDelta,
  "conversation.item.input_audio_transcription.completed": transcriptionCompleted,
  "conversation.item.input_audio_transcription.failed": transcriptionFailed,
  "conversation.item.truncated": truncated,
  "conversation.item.deleted": (state, event) =>
    ({ ...state, entries: state.entries.filter((entry) => entry.id !== event.item_id) }),
  "response.created": responseCreated,
  "response.output_item.added": outputItemAdded,
  "response.output_audio_transcript.delta": saidDelta,
  "response.output_text.delta": saidDelta,
  "response.output_audio_transcript.done": (state, event) => saidDone(state, event, event.transcript),
  "response.output_text.done": (state, event) => saidDone(state, event, event.text),
  "response.done": responseDone,
  "output_audio_buffer.started": sounding(true),
  "output_audio_buffer.stopped": sounding(false),
  "output_audio_buffer.cleared": sounding(false),
  error: failed,
  "audiogpt.session.info": (state, { profile, backends, version }) => ({ ...state, info: { profile, backends, version } }),
  "audiogpt.activity": (state, event) => ({ ...state, activity: { state: event.state, detail: event.detail ?? "" } }),
  "audiogpt.input_transcript.partial": partial,
  "audiogpt.turn.latency": turnLatency,
  "audiogpt.artefact.created": artefactCreated,
  "audiogpt.music.state": musicState,
  "audiogpt.timer": timer,
  "audiogpt.notice": (state, event) => withNotice(state, event.level, event.message),
};
