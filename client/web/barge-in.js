// Who spoke over whom, when, and what came of it, as marks on the trace of both voices. Pure.
//
// A mark is {id, at, until, outcome, settledAt, text}: the person spoke from `at` to `until` (null: still does)
// while the assistant sounded; `outcome` is null until it is known, then a key of OUTCOMES. Times in ms.

const KEPT = 24; // far more than a trace shows
const BELONGS_MS = 4_000; // silence that falls later than this after the person began has another cause

/** What is written beside a mark. `stopped` is where the assistant fell silent. */
export const OUTCOMES = {
  stopped: () => "stopped",
  backchannel: (text) => (text ? `“${text}”, went on` : "went on"),
  noise: () => "a noise, went on",
  echo: () => "its own echo",
  "went on": () => "went on",
};

/** The marks after `event`, which came at `now` and found the page's state `before`. */
export function marksAfter(marks, before, event, now) {
  switch (event.type) {
    case "input_audio_buffer.speech_started":
      return isAudible(before) ? [...marks, mark(event.item_id, now)].slice(-KEPT) : marks;
    case "input_audio_buffer.speech_stopped":
      return changed(marks, event.item_id, { until: now });
    case "audiogpt.turn.decision":
      return decided(marks, before, event, now);
    case "input_audio_buffer.cleared":
      return settle(marks, "went on", now);
    case "output_audio_buffer.cleared":
    case "conversation.item.truncated":
      return stopped(marks, before, now);
    case "response.done":
      return event.response?.status === "cancelled" ? stopped(marks, before, now) : marks;
    default:
      return marks;
  }
}

/** Whether the assistant can be heard. Over a WebSocket nobody says when its sound begins. */
function isAudible(state) {
  return (
    state.sounding ||
    state.music !== null ||
    ["speaking", "playing"].includes(state.activity.state) ||
    state.entries.some((entry) => entry.kind === "assistant" && entry.status === "speaking" && entry.text)
  );
}

const mark = (id, at) => ({ id, at, until: null, outcome: null, settledAt: null, text: "" });

function changed(marks, id, fields) {
  return marks.some((one) => one.id === id) ? marks.map((one) => (one.id === id ? { ...one, ...fields } : one)) : marks;
}

function decided(marks, before, event, now) {
  const found = marks.find((one) => one.id === event.item_id);
  if (!found) return marks;
  if (event.decision === "interrupt") return changed(marks, found.id, { outcome: "stopped", settledAt: now });
  if (!(event.decision in OUTCOMES)) return marks;
  const text = before.entries.find((entry) => entry.id === event.item_id)?.text ?? "";
  return changed(marks, found.id, { outcome: event.decision, settledAt: now, until: found.until ?? now, text });
}

/** Settles the newest mark that nothing has come of yet. */
function settle(marks, outcome, now) {
  const open = marks.findLast((one) => one.outcome === null && now - one.at < BELONGS_MS);
  return open ? changed(marks, open.id, { outcome, settledAt: now, until: open.until ?? now }) : marks;
}

function stopped(marks, before, now) {
  const last = marks.at(-1);
  // The same stop is told by up to four events.
  if (last?.outcome === "stopped" && now - last.settledAt < 1_000) return marks;
  const open = marks.findLast((one) => one.outcome === null && now - one.at < BELONGS_MS);
  if (open) return changed(marks, open.id, { outcome: "stopped", settledAt: now });
  if (!isAudible(before)) return marks;
  return [...marks, { ...mark(`stop-${now}`, now), until: now, outcome: "stopped", settledAt: now }].slice(-KEPT);
}
