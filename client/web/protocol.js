// What the page knows, as a pure function of the events it receives: reduce(state, event, now) -> state.
//
// Nothing here touches the network or the document, so a whole dialogue is tested as a list of events.
// A state is never changed in place. These are the events of the OpenAI Realtime protocol; this server's own
// are in own-events.js.

import { ASK_ID } from "./asking.js";
import { marksAfter } from "./barge-in.js";
import { IN_PROGRESS, add, change, find, put, remove, withNotice } from "./entries.js";
import { ownHandlers, withUnclaimedLatency, withWaitingLatency } from "./own-events.js";

// True, and of no use to the person: there was nothing to interrupt, to commit, or to look up any more.
const QUIET_ERRORS = new Set([
  "response_cancel_not_active",
  "output_audio_buffer_empty",
  "input_audio_buffer_commit_empty",
  "item_not_found",
]);

/**
 * The state before the first event.
 *
 * `entries` is the conversation in order: kind "you", "assistant", "artefact", "attachment", "note", "notice" or
 * "divider". `responses` maps the id of each response still open to the purpose its metadata names ("reply" if
 * none). `waiting` holds latencies that arrived before anything of their response could be shown. `settings` are
 * the server's, as far as it told them. `marks` are those of barge-in.js.
 */
export function initialState() {
  return {
    session: null,
    settings: { voice: "", speed: 1 },
    info: null,
    activity: { state: "listening", detail: "" },
    progress: null,
    capture: null,
    entries: [],
    responses: {},
    sounding: false,
    music: null,
    timers: [],
    artefacts: {},
    waiting: {},
    marks: [],
    serial: 0,
  };
}

/** The state after `event`, received at `now` (milliseconds). An unknown event changes nothing. */
export function reduce(state, event, now = 0) {
  const type = event?.type ?? "";
  const handler = [handlers, ownHandlers].find((table) => Object.hasOwn(table, type))?.[type];
  if (!handler) return state;
  const next = handler(state, event, now);
  const marks = marksAfter(state.marks, state, event, now);
  return marks === state.marks ? next : { ...next, marks };
}

/** True while there is something that an interrupt would stop. */
export function canInterrupt(state) {
  return state.sounding || state.music !== null || Object.keys(state.responses).length > 0;
}

/** True while the assistant answers; music and sounds that go on by themselves do not count. */
export function isReplying(state) {
  return Object.values(state.responses).includes("reply");
}

/** True while the assistant answers or the person speaks: not the moment to begin something else. */
export function isBusy(state) {
  return isReplying(state) || state.entries.some(({ kind, status }) => kind === "you" && status === "hearing");
}

/** The event id under which the item `id` is sent, so that an error about it can be told to belong to it. */
export const eventIdOf = (itemId) => `create_${itemId}`;

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
  return { ...state, entries, responses: {}, sounding: false, music: null, timers: [], waiting: {}, progress: null,
    capture: null, activity: { state: "listening", detail: "" } };
}

// --- the person's side ---------------------------------------------------------------------------------

function speechStarted(state, event) {
  return put(state, event.item_id, { kind: "you", text: "", stable: 0, status: "hearing", typed: false });
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
  // What was dropped into the conversation is a sound with words in it, not a line of the person's.
  if (find(state, event.item_id)?.kind === "attachment") return change(state, event.item_id, { words: text });
  return put(state, event.item_id, { kind: "you", text, stable: text.length, status: "final" });
}

function transcriptionFailed(state, event) {
  if (find(state, event.item_id)?.kind === "attachment") return change(state, event.item_id, { cause: event.error?.message || "No words could be made out in it." });
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
  const known = find(state, item.id);
  if (known?.kind === "attachment") {
    const words = (item.content ?? []).map((part) => part.transcript).find(Boolean);
    return change(state, item.id, { status: "final", ...(words && { words }) });
  }
  const typed = (item.content ?? []).filter((part) => part.type === "input_text").map((part) => part.text).join(" ");
  if (typed) {
    const fields = { kind: "you", text: typed, stable: typed.length, status: "final", typed: true };
    // A server may give the item an id of its own: then the line shown at once is the one it confirms.
    const sent = state.entries.find((entry) => entry.kind === "you" && entry.status === "sending" && entry.text === typed);
    if (!sent || known) return put(state, item.id, fields);
    const entries = state.entries.map((entry) => (entry === sent ? { ...entry, ...fields, id: item.id } : entry));
    return { ...state, entries };
  }
  const spoken = (item.content ?? []).find((part) => part.type === "input_audio");
  if (!spoken) return state;
  if (known) return change(state, item.id, { committed: true });
  const text = spoken.transcript ?? "";
  return put(state, item.id, { kind: "you", text, stable: text.length, status: "settling", typed: false, committed: true });
}

/** What was dropped into the conversation may be written down before its item is done. */
function itemDone(state, event) {
  return find(state, event.item?.id)?.kind === "attachment" ? userItemAdded(state, event.item) : state;
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
  if (entry.status !== "speaking") return known; // it was cut short: what comes late was not heard
  return worked(put(known, event.item_id, { text: entry.text + event.delta }), event.response_id);
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

/** Of an answer that was cut short the server's history holds exactly what was heard: that is what stands here. */
function itemRetrieved(state, event) {
  const entry = find(state, event.item?.id);
  if (entry?.kind !== "assistant" || entry.status !== "interrupted") return state;
  const part = (event.item.content ?? []).find(({ type }) => type === "output_audio" || type === "output_text");
  const text = part?.transcript ?? part?.text;
  return text ? put(state, entry.id, { text }) : state; // some servers forget the words with the sound
}

/** The work on a response is over: it can be heard, or has ended. */
function worked(state, responseId) {
  return state.progress?.responseId === responseId ? { ...state, progress: null } : state;
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
  const ended = withUnclaimedLatency(worked({ ...state, responses, entries }, id), id);
  if (status !== "failed") return ended;
  const cause = details?.error?.message || (purpose === "reply" ? "The reply could not be made." : `The ${purpose} stopped.`);
  return withNotice(ended, "error", cause);
}

// --- the session -----------------------------------------------------------------------------------------

function failed(state, event) {
  if (QUIET_ERRORS.has(event.error?.code)) return state;
  const answeredAnyway = event.error?.code === "conversation_already_has_active_response";
  if (answeredAnyway && event.error.event_id === ASK_ID) return state;
  const message = event.error?.message || "Something went wrong on the server.";
  const blamed = state.entries.find((entry) => eventIdOf(entry.id) === event.error?.event_id);
  if (blamed) return change(state, blamed.id, { status: "failed", cause: message }); // it may be told twice
  return withNotice(state, "error", message);
}

function sessionCreated(state, event) {
  const fresh = sessionSettings({ ...state, session: event.session?.id ?? "session" }, event);
  if (fresh.session === state.session) return state; // a call that was taken up again
  if (!state.session || !state.entries.some((entry) => entry.kind === "you")) return fresh;
  return add(fresh, { kind: "divider", text: "A new conversation. What was said above is no longer remembered." });
}

function sessionSettings(state, event) {
  const { voice, speed } = event.session?.audio?.output ?? {};
  return { ...state, settings: { voice: voice?.id ?? voice ?? state.settings.voice, speed: speed ?? state.settings.speed } };
}

const stillness = (state) => ({ ...state, sounding: false });

const handlers = {
  "session.created": sessionCreated,
  "session.updated": sessionSettings,
  "input_audio_buffer.speech_started": speechStarted,
  "input_audio_buffer.speech_stopped": speechStopped,
  "input_audio_buffer.committed": committed,
  "input_audio_buffer.cleared": inputCleared,
  "conversation.item.added": itemAdded,
  "conversation.item.created": itemAdded,
  "conversation.item.done": itemDone,
  "conversation.item.input_audio_transcription.delta": transcriptionDelta,
  "conversation.item.input_audio_transcription.completed": transcriptionCompleted,
  "conversation.item.input_audio_transcription.failed": transcriptionFailed,
  "conversation.item.retrieved": itemRetrieved,
  "conversation.item.truncated": truncated,
  "conversation.item.deleted": (state, event) => remove(state, event.item_id),
  "response.created": responseCreated,
  "response.output_item.added": outputItemAdded,
  "response.output_audio_transcript.delta": saidDelta,
  "response.output_text.delta": saidDelta,
  "response.output_audio_transcript.done": (state, event) => saidDone(state, event, event.transcript),
  "response.output_text.done": (state, event) => saidDone(state, event, event.text),
  "response.done": responseDone,
  "output_audio_buffer.started": (state, event) => worked({ ...state, sounding: true }, event.response_id),
  "output_audio_buffer.stopped": stillness,
  "output_audio_buffer.cleared": stillness,
  error: failed,
};
