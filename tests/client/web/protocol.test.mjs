// The reducer on a whole dialogue, and the rules that hold whatever a server sends.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { withNotice, withTyped } from "../../../client/web/entries.js";
import { canInterrupt, initialState, isReplying, reduce, withoutCall } from "../../../client/web/protocol.js";

const dialogue = JSON.parse(readFileSync(new URL("dialogue.json", import.meta.url), "utf8"));

/** The state after these scenes, every state on the way frozen: the reducer must not change one in place. */
function after(...scenes) {
  return scenes.flatMap((scene) => dialogue[scene]).reduce((state, event) => freeze(reduce(state, event, 1000)), freeze(initialState()));
}

function freeze(value) {
  if (value && typeof value === "object" && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
}

const lines = (state) => state.entries.map((entry) => [entry.kind, entry.status ?? "", entry.text ?? entry.name ?? entry.message]);

test("a connection says what runs here", () => {
  const state = after("connected");
  assert.equal(state.session, "sess_1");
  assert.equal(state.info.profile, "embedded");
  assert.deepEqual(state.activity, { state: "listening", detail: "" });
});

test("partials replace each other and say how much is firm", () => {
  const [entry] = after("connected", "hearing").entries;
  assert.deepEqual([entry.kind, entry.status, entry.text, entry.stable], ["you", "hearing", "what time is it", 9]);
});

test("the final transcript is firm, and a late partial does not soften it", () => {
  const state = after("connected", "hearing", "heard");
  assert.deepEqual(lines(state), [["you", "final", "What time is it?"]]);
  assert.equal(reduce(state, dialogue.hearing.at(-1)), state);
});

test("a transcription delta firms the beginning and keeps the tail of the partial", () => {
  const events = [...dialogue.hearing, { type: "conversation.item.input_audio_transcription.delta", item_id: "item_u1", delta: "what time is" }];
  const [entry] = events.reduce((state, event) => reduce(state, event), initialState()).entries;
  assert.deepEqual([entry.text, entry.stable], ["what time is it", 12]);
});

test("noise is taken back", () => {
  assert.deepEqual(lines(after("connected", "noise")), []);
  assert.deepEqual(lines(after("connected", "hearing", "heard", "noise")), [["you", "final", "What time is it?"]]);
});

test("the assistant's words appear as they are spoken", () => {
  const state = after("connected", "hearing", "heard", "replying");
  assert.deepEqual(lines(state).at(-1), ["assistant", "speaking", "It is half"]);
  assert.ok(canInterrupt(state) && isReplying(state));
});

test("a finished reply is whole and leaves nothing to interrupt", () => {
  const state = after("connected", "hearing", "heard", "replying", "replied");
  assert.deepEqual(lines(state).at(-1), ["assistant", "done", "It is half past nine."]);
  assert.ok(!canInterrupt(state));
});

test("a turn's latency belongs to its reply", () => {
  const { latency } = after("connected", "hearing", "heard", "replying").entries.at(-1);
  assert.deepEqual(Object.keys(latency.stages), ["endpoint", "asr", "plan", "speech", "send"]);
  assert.ok(Math.abs(latency.total - 298) < 0.01);
});

test("a latency that comes before its reply waits for it", () => {
  const early = { type: "audiogpt.turn.latency", item_id: "item_x", response_id: "resp_1", stages_ms: { plan: 5 }, total_ms: 5 };
  const state = [early, ...dialogue.replying.slice(0, 3)].reduce((now, event) => reduce(now, event), initialState());
  assert.equal(state.entries.at(-1).latency.total, 5);
  assert.deepEqual(state.waiting, {});
});

test("a latency that nothing claims goes to what the person said", () => {
  const early = { type: "audiogpt.turn.latency", item_id: "item_x", response_id: "resp_q", stages_ms: {}, total_ms: 7 };
  const done = { type: "response.done", response: { id: "resp_q", status: "completed" } };
  const state = [...dialogue.hearing, early, done].reduce((now, event) => reduce(now, event), initialState());
  assert.equal(state.entries[0].latency.total, 7);
});

test("after an interruption only what was heard is shown", () => {
  const state = after("connected", "long_reply", "interrupted");
  assert.deepEqual(lines(state), [["assistant", "interrupted", "I can tell you the time, and"]]);
  assert.ok(!canInterrupt(state));
});

test("music is shown with its bar, made something with a number, and can be interrupted", () => {
  const state = after("connected", "music");
  assert.deepEqual(
    { ...state.music, since: 0 },
    { artefactId: "music_1", responseId: "resp_3", name: "Calm piano in A minor", bar: 5, beats: 4, tempo: 70, key: "A minor", section: "verse",
      chords: ["Am", "F", "C", "G"], instruments: ["piano", "cello"], since: 0 },
  );
  assert.equal(state.entries.at(-1).number, 1);
  assert.ok(canInterrupt(state) && !isReplying(state));
  const ended = dialogue.music_ended.reduce((now, event) => reduce(now, event), state);
  assert.equal(ended.music, null);
  assert.ok(!canInterrupt(ended));
});

test("music has no line of its own, and a reply stopped before its first word leaves none", () => {
  const item = { id: "item_m", type: "message", role: "assistant", content: [] };
  for (const [metadata, shown] of [[{ audiogpt: "music" }, 0], [null, 1]]) {
    const open = [
      { type: "response.created", response: { id: "resp_m", metadata } },
      { type: "response.output_item.added", response_id: "resp_m", item },
    ].reduce((now, event) => reduce(now, event), initialState());
    assert.equal(open.entries.length, shown);
    assert.deepEqual(reduce(open, { type: "response.done", response: { id: "resp_m", status: "cancelled" } }).entries, []);
  }
});

test("the end of one piece does not end another", () => {
  const other = { type: "audiogpt.music.state", artefact_id: "music_9", playing: false };
  assert.notEqual(reduce(after("music"), other).music, null);
});

test("timers run and end with a line", () => {
  const set = after("timer_set");
  assert.deepEqual(set.timers, [{ label: "Tea", seconds: 600, endsAt: 601_000 }]);
  const over = dialogue.timer_over.reduce((now, event) => reduce(now, event), set);
  assert.deepEqual([over.timers, lines(over)], [[], [["notice", "", "Tea is over."]]]);
});

test("notices and errors are shown with their words", () => {
  assert.equal(after("notice").entries[0].level, "warning");
  assert.match(after("error").entries[0].message, /no clip to denoise/);
});

test("nothing to interrupt is no error for the person", () => {
  const state = initialState();
  assert.equal(reduce(state, { type: "error", error: { code: "response_cancel_not_active", message: "none" } }), state);
});

test("a failed response says why", () => {
  const events = [
    { type: "response.created", response: { id: "r", metadata: { audiogpt: "music" } } },
    { type: "response.done", response: { id: "r", status: "failed", status_details: { error: { message: "No sound bank. Install timgm6mb-soundfont." } } } },
  ];
  const state = events.reduce((now, event) => reduce(now, event), initialState());
  assert.deepEqual(lines(state), [["notice", "", "No sound bank. Install timgm6mb-soundfont."]]);
});

test("a typed line is shown at once and confirmed under the same id", () => {
  const sent = withTyped(initialState(), "item_1", "hello");
  assert.equal(sent.entries[0].status, "sending");
  const content = [{ type: "input_text", text: "hello" }];
  for (const id of ["item_1", "item_of_the_server"]) {
    const state = reduce(sent, { type: "conversation.item.added", item: { id, type: "message", role: "user", content } });
    assert.deepEqual(lines(state), [["you", "final", "hello"]]);
    assert.equal(state.entries[0].id, id);
  }
});

test("a call that ends leaves no line half-way, and keeps what is still to be sent", () => {
  const talking = withTyped(after("connected", "hearing", "long_reply", "music"), "item_t", "and this");
  const state = withoutCall(talking, new Set(["item_t"]));
  assert.deepEqual(state.entries.filter((entry) => entry.text).map((entry) => entry.status), ["cut", "cut", "final", "done", "sending"]);
  assert.ok(!canInterrupt(state));
});

test("a second session is told apart from the first", () => {
  const before = after("connected", "hearing", "heard");
  const [created] = dialogue.connected;
  assert.equal(reduce(before, created), before, "the same one, taken up again");
  const state = reduce(before, { ...created, session: { ...created.session, id: "sess_2" } });
  assert.equal(state.entries.at(-1).kind, "divider");
});

test("unknown and misshapen events change nothing", () => {
  const state = withNotice(initialState(), "info", "here");
  for (const event of [null, undefined, 3, {}, { type: "toString" }, { type: "rate_limits.updated" }, { type: "__proto__" }]) {
    assert.equal(reduce(state, event), state);
  }
});
