// The lines of the conversation inside a state, found, added and changed. Pure: every function gives a new state.

/** Lines that are not finished: what they say may still change. */
export const IN_PROGRESS = new Set(["hearing", "settling", "sending", "speaking"]);

/** The entry `id`, or undefined. */
export function find(state, id) {
  return state.entries.find((entry) => entry.id === id);
}

/** Changes the entry `id`, or adds it with `fields` where there is none. */
export function put(state, id, fields) {
  if (!find(state, id)) return add(state, { id, ...fields });
  return { ...state, entries: state.entries.map((entry) => (entry.id === id ? { ...entry, ...fields } : entry)) };
}

/** Changes the entry `id` where there is one. */
export function change(state, id, fields) {
  return find(state, id) ? put(state, id, fields) : state;
}

/** Adds an entry at the end; without an `id` it gets one of the page's own. */
export function add(state, entry) {
  const serial = state.serial + 1;
  return { ...state, serial, entries: [...state.entries, { id: `local-${serial}`, ...entry }] };
}

/** Takes the entry `id` out. */
export function remove(state, id) {
  return { ...state, entries: state.entries.filter((entry) => entry.id !== id) };
}

/** The state with words for the person from the page itself, such as a lost connection. */
export function withNotice(state, level, message) {
  return add(state, { kind: "notice", level, message });
}

/** The state with a typed line shown at once, before the server confirms it under the same `id`. */
export function withTyped(state, id, text) {
  return put(state, id, { kind: "you", text, stable: text.length, status: "sending", typed: true });
}

/** The state with a sound or picture of the person's: {media: "sound" or "image", name, preview, durationMs}. */
export function withAttachment(state, id, fields) {
  return put(state, id, { kind: "attachment", status: "sending", ...fields });
}
