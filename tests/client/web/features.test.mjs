// The pure parts behind the page's panels: barge-in, trace, settings, quality, attachments, shelf, timing, keys.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { ASK_ID, Asking } from "../../../client/web/asking.js";
import { mixed, peaksOf, within } from "../../../client/web/attachments.js";
import { sessionUpdate, soundPart, userItem } from "../../../client/web/commands.js";
import { conversationText } from "../../../client/web/conversation-text.js";
import { withAttachment } from "../../../client/web/entries.js";
import { EventLog } from "../../../client/web/event-log.js";
import { nameIn } from "../../../client/web/files.js";
import { called, requestFor } from "../../../client/web/naming.js";
import { progressAt } from "../../../client/web/own-events.js";
import { decodePcm, encodePcm } from "../../../client/web/pcm.js";
import { initialState, reduce } from "../../../client/web/protocol.js";
import { PushToTalk } from "../../../client/web/push-to-talk.js";
import { figures, qualityBetween, rowsOf } from "../../../client/web/quality.js";
import { DEFAULTS, Settings, read } from "../../../client/web/settings.js";
import { clock, describe, fileName, playButton, progressOf } from "../../../client/web/shelf.js";
import { SHORTCUTS, actionOf } from "../../../client/web/shortcuts.js";
import { median, reasonOf, turnsOf } from "../../../client/web/timing.js";
import { BANDS, COLUMN_MS, Columns, GAP, bandEdges, bandsOf, heightOf, placeOf } from "../../../client/web/trace.js";

const dialogue = JSON.parse(readFileSync(new URL("dialogue.json", import.meta.url), "utf8"));

/** The state after these scenes, an event every 100 ms. */
function after(...scenes) {
  return scenes.flatMap((scene) => dialogue[scene]).reduce((state, event, index) => reduce(state, event, 1000 + 100 * index), initialState());
}

const outcomes = (state) => state.marks.map(({ outcome }) => outcome);

test("speech over the assistant's is marked with what came of it", () => {
  assert.deepEqual(outcomes(after("hearing", "heard")), [], "nobody was spoken over");
  const agreed = after("long_reply", "agreed");
  assert.deepEqual(outcomes(agreed), ["backchannel"]);
  assert.equal(agreed.marks[0].text, "uh-huh");
  assert.deepEqual(outcomes(after("long_reply", "broke_in")), [null]);
  const gaveWay = after("long_reply", "agreed", "broke_in", "gave_way", "interrupted");
  assert.deepEqual(outcomes(gaveWay), ["backchannel", "stopped"]);
  assert.equal(gaveWay.marks[1].settledAt - gaveWay.marks[1].at, 200);
});

test("without our own events the same is told by the protocol's", () => {
  const stock = (scene) => dialogue[scene].filter(({ type }) => !type.startsWith("audiogpt."));
  const run = (...scenes) => scenes.flatMap(stock).reduce((state, event, index) => reduce(state, event, 100 * index), initialState());
  assert.deepEqual(outcomes(run("long_reply", "broke_in", "interrupted")), ["stopped"]);
  assert.deepEqual(outcomes(run("long_reply", "agreed")), ["went on"]);
});

test("a stop by the button is marked once, and one long after somebody spoke is another's", () => {
  assert.deepEqual(outcomes(after("long_reply", "interrupted")), ["stopped"]);
  const late = [...dialogue.long_reply, ...dialogue.broke_in].reduce((state, event) => reduce(state, event, 0), initialState());
  const stopped = reduce(late, { type: "output_audio_buffer.cleared" }, 9_000);
  assert.deepEqual(outcomes(stopped), [null, "stopped"]);
});

test("agreement stays as an aside, noise goes", () => {
  const line = after("long_reply", "agreed").entries.find(({ kind }) => kind === "you");
  assert.deepEqual([line.status, line.text], ["aside", "uh-huh"]);
  const noise = dialogue.agreed.map((event) => (event.decision ? { ...event, decision: "noise" } : event));
  const state = noise.reduce((now, event) => reduce(now, event), after("long_reply"));
  assert.equal(state.entries.find(({ kind }) => kind === "you"), undefined);
});

test("of an interrupted answer the server's words are shown, if it still has them", () => {
  const shown = (...scenes) => after("long_reply", "interrupted", ...scenes).entries[0].text;
  assert.equal(shown(), "I can tell you the time, and");
  assert.equal(shown("retrieved"), "I can tell you the time,");
  const forgotten = { ...dialogue.retrieved[0], item: { ...dialogue.retrieved[0].item, content: [{ type: "output_audio", transcript: null }] } };
  assert.equal(reduce(after("long_reply", "interrupted"), forgotten).entries[0].text, "I can tell you the time, and");
  const late = { type: "response.output_audio_transcript.delta", item_id: "item_a4", response_id: "resp_4", delta: " more" };
  assert.equal(reduce(after("long_reply", "interrupted"), late).entries[0].text, "I can tell you the time, and");
});

test("work in progress counts on, and ends with its sound, its end, or silence about it", () => {
  const state = dialogue.working.reduce((now, event) => reduce(now, event, 10_000), initialState());
  assert.deepEqual(progressAt(state.progress, 11_000), { message: "composing", elapsedMs: 4200 });
  assert.equal(progressAt(state.progress, 15_000), null);
  assert.equal(reduce(state, dialogue.worked[0]).progress, null);
  assert.equal(reduce(state, { type: "output_audio_buffer.started", response_id: "resp_5" }).progress, null);
  assert.notEqual(reduce(state, { type: "output_audio_buffer.started", response_id: "resp_1" }).progress, null);
});

test("what was written down is a note with its words, whichever event comes first", () => {
  assert.deepEqual(after("capturing").capture.kind, "dictation");
  const state = after("capturing", "captured");
  assert.equal(state.capture, null);
  assert.deepEqual(state.entries.map(({ kind, text }) => [kind, text]), [["artefact", "buy milk and eggs"]]);
  assert.equal(state.artefacts.art_note.text, "buy milk and eggs");
  const [note, done] = dialogue.captured.slice(-2);
  const turned = [done, note].reduce((now, event) => reduce(now, event), after("capturing"));
  assert.equal(turned.entries.filter(({ kind, text }) => ["note", "artefact"].includes(kind) && text === "buy milk and eggs").length, 1);
  assert.match(after("capture_empty").entries[0].message, /^Nothing was recorded/);
});

test("an attachment is confirmed, or refused with the server's words, once", () => {
  const sent = withAttachment(initialState(), "item_x", { media: "sound", name: "a.wav", preview: [], durationMs: 10 });
  const item = { id: "item_x", type: "message", role: "user", content: [{ type: "input_audio", transcript: null }] };
  assert.equal(reduce(sent, { type: "conversation.item.added", item }).entries[0].status, "final");
  const error = { type: "error", error: { code: "x", message: "no", event_id: userItem("item_x", []).event_id } };
  const refused = reduce(reduce(sent, error), error);
  assert.deepEqual(refused.entries.map(({ status, cause }) => [status, cause]), [["failed", "no"]]);
});

test("numbers are the server's, and where it gives none they go on from the highest", () => {
  const made = { ...dialogue.shelf[0], id: "art_x", number: null };
  const { artefacts } = reduce(after("shelf", "music"), made);
  assert.deepEqual(Object.values(artefacts).map(called), ["Number 2", "Number 1", "Number 3", "Number 4"]);
  assert.equal(requestFor({ artefactKind: "music", number: 2 }), "play number two");
  assert.equal(requestFor({ artefactKind: "speech", number: 1, name: "tune 1" }), "play number one");
  assert.equal(requestFor({ artefactKind: "text", number: 31 }), "read number 31");
});

test("columns are filled once, late frames leave no hole, a hidden page leaves a gap", () => {
  const columns = new Columns(50);
  const column = { you: 0.5, assistant: 0 };
  assert.deepEqual(columns.push(25 * COLUMN_MS, () => column), [25]);
  assert.deepEqual(columns.push(25.5 * COLUMN_MS, () => column), [], "the same column");
  assert.deepEqual(columns.push(28 * COLUMN_MS, () => column), [26, 27, 28]);
  assert.ok([26, 27, 28].every((at) => columns.at(at) === column));
  const fresh = columns.push(128 * COLUMN_MS, () => column);
  assert.equal(fresh.length, 50);
  assert.equal(columns.at(fresh[0]), undefined);
  assert.ok(columns.numbers().length <= 50);
});

test("scrolling, now is at the right edge; sweeping, nothing moves but the pen", () => {
  const now = (newest) => (newest + 1) * COLUMN_MS;
  assert.equal(placeOf(now(100), 100, 40, false), 40);
  assert.equal(placeOf(now(100) - 10 * COLUMN_MS, 100, 40, false), 30);
  assert.equal(placeOf(0, 100, 40, false), null);
  const moment = 95 * COLUMN_MS;
  assert.equal(placeOf(moment, 100, 40, true), placeOf(moment, 110, 40, true));
  assert.equal(placeOf(moment, 95 + 40 - GAP, 40, true), null, "the pen has come round");
});

test("columns grow with loudness; bands cover the voice without holes", () => {
  assert.deepEqual([heightOf(0), heightOf(1), heightOf(0.25)], [0, 1, 0.5]);
  const edges = bandEdges(1024, 48_000);
  assert.equal(edges.length, BANDS);
  assert.ok(edges.every(([from, to], index) => to > from && (index === 0 || from >= edges[index - 1][0])));
  const spectrum = new Uint8Array(1024);
  spectrum[edges[10][0]] = 200;
  assert.equal(bandsOf(spectrum, edges)[10], 200);
});

test("a setting from storage that makes no sense is the default", () => {
  assert.equal(read("speed", "9"), 1);
  assert.equal(read("speed", "1.25"), 1.25);
  assert.equal(read("theme", "plaid"), "auto");
  assert.equal(read("pushToTalk", "true"), true);
  assert.equal(read("instructions", "x".repeat(9_999)).length, 4_000);
  assert.deepEqual(Object.keys(DEFAULTS).filter((name) => read(name, null) !== DEFAULTS[name]), []);
});

test("settings tell of changes, and only of changes", () => {
  const settings = new Settings();
  const told = [];
  settings.watch((name, values) => told.push([name, values[name]]));
  settings.set("speed", "1.2");
  settings.set("speed", 1.2);
  assert.deepEqual(told, [["speed", 1.2]]);
  assert.deepEqual(settings.changed(["voice", "speed"]), ["speed"]);
  settings.set("speed", 1);
});

test("a session update names what was chosen and nothing else", () => {
  assert.equal(sessionUpdate(DEFAULTS, []), null);
  assert.equal(sessionUpdate(DEFAULTS, ["voice"]), null, "no default is known");
  assert.deepEqual(sessionUpdate({ ...DEFAULTS, pushToTalk: true }, ["pushToTalk"]).session.audio, { input: { turn_detection: null } });
  assert.deepEqual(sessionUpdate({ ...DEFAULTS, instructions: "" }, ["instructions"]).session, { type: "realtime", instructions: "" });
});

test("a held key is a turn, answered once the server has taken it", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const said = [];
  const talk = new PushToTalk({ send: (events) => said.push(...events.map(({ type }) => type)), interrupt: () => said.push("interrupt"), change() {} });
  talk.press();
  talk.press();
  talk.release();
  assert.ok(talk.open && !talk.isDown, "the last word is still on its way");
  t.mock.timers.tick(500);
  assert.ok(!talk.open);
  talk.follow({ type: "input_audio_buffer.committed" });
  talk.follow({ type: "input_audio_buffer.committed" });
  assert.deepEqual(said.splice(0), ["interrupt", "input_audio_buffer.clear", "input_audio_buffer.commit", "response.create"]);
  talk.press();
  talk.release();
  t.mock.timers.tick(100);
  talk.press();
  t.mock.timers.tick(500);
  assert.deepEqual(said, ["interrupt", "input_audio_buffer.clear", "interrupt", "input_audio_buffer.clear"], "taken up again");
});

test("quality is what happened between two looks", () => {
  const report = (lost, received, buffered, emitted) => new Map([
    ["t", { id: "t", type: "transport", selectedCandidatePairId: "p" }],
    ["p", { id: "p", type: "candidate-pair", currentRoundTripTime: 0.023, localCandidateId: "l" }],
    ["l", { id: "l", type: "local-candidate", candidateType: "relay", protocol: "udp" }],
    ["a", { id: "a", type: "inbound-rtp", kind: "audio", packetsLost: lost, packetsReceived: received, jitterBufferDelay: buffered, jitterBufferEmittedCount: emitted }],
  ]);
  const [before, now] = [figures(report(5, 100, 10, 1_000)), figures(report(7, 198, 58, 2_000))];
  const quality = qualityBetween(before, now);
  assert.deepEqual(quality, { roundTripMs: 23, lossPercent: 2, bufferMs: 48, grade: 2 });
  assert.deepEqual(rowsOf("webrtc", quality, now), [["Carried by", "WebRTC (UDP, relayed)"], ["Round trip", "23 ms"], ["Lost", "2.0 %"], ["Jitter buffer", "48 ms"]]);
  assert.equal(qualityBetween(figures(new Map()), figures(new Map())).grade, 0);
  assert.deepEqual(rowsOf("websocket", null, null), [["Carried by", "WebSocket (TCP)"]]);
});

test("pictures shrink to fit and never grow; sounds become one channel with peaks", () => {
  assert.deepEqual(within(4000, 1000), { width: 1024, height: 256 });
  assert.deepEqual(within(10, 20), { width: 10, height: 20 });
  assert.deepEqual(Array.from(mixed([Float32Array.of(1, 0), Float32Array.of(0, 0.5)])), [0.5, 0.25]);
  assert.deepEqual(peaksOf(Float32Array.of(0.1, -0.5, 0.25, 0), 2), [1, 0.5]);
  assert.ok(peaksOf(new Float32Array(3), 8).every((peak) => peak === 0));
});

test("a minute of sound is encoded in one go", () => {
  const samples = Float32Array.from({ length: 24_000 * 60 + 1 }, (_, index) => ((index % 200) - 100) / 128);
  const text = soundPart(encodePcm(samples)).audio;
  assert.ok(!text.slice(0, -2).includes("="));
  const back = decodePcm(text);
  assert.equal(back.length, samples.length);
  assert.ok(samples.every((sample, index) => Math.abs(sample - back[index]) < 1e-4));
});

test("the shelf's words", () => {
  assert.deepEqual([clock(7_400), clock(65_000)], ["0:07", "1:05"]);
  assert.equal(describe({ artefactKind: "sound", number: 2, name: "rain", durationMs: 12_000 }), "Sound · 0:12");
  assert.equal(describe({ artefactKind: "speech", number: 1, name: "recording 1", durationMs: 4_000 }), "0:04");
  assert.equal(playButton({ artefactKind: "text", number: 7 }, false).name, "Read number 7");
  assert.equal(playButton({ artefactKind: "music", number: 7 }, true).label, "Stop");
  assert.equal(playButton({ artefactKind: "image", number: 7, url: "files/7" }, false), null);
  assert.deepEqual(progressOf({ at: 3.2, of: 12.8 }), { words: "0:03 of 0:13", share: 0.25 });
  assert.equal(progressOf({ at: 3.2, of: null }).words, "0:03");
  assert.equal(nameIn('attachment; filename="a b.wav"'), "a b.wav");
  assert.equal(nameIn("attachment; filename=x.wav; filename*=UTF-8''gr%C3%BC%C3%9Fe.wav"), "grüße.wav");
  assert.equal(nameIn(null), "");
  assert.equal(fileName({ number: 3, name: "Éclair, à la carte!" }, "txt"), "3-E-clair-a-la-carte.txt");
});

test("turns are timed under what was said, with the reason why they were over", () => {
  const turns = turnsOf(after("hearing", "heard", "decided", "replying", "replied", "more_turns").entries);
  assert.deepEqual(turns.map(({ title }) => title)[0], "What time is it?");
  assert.equal(median(turns), 326);
  assert.equal(median([]), null);
  assert.equal(reasonOf(turns[0].decision), "complete (192 ms of silence, words complete 90 %, falling voice 80 %, a voice for 97 % sure)");
  assert.equal(reasonOf(null), "");
});

test("keys act where nobody types, and can be switched off", () => {
  const page = { typing: false, pressable: false };
  assert.equal(actionOf({ key: "M" }, page, true), "mute");
  assert.equal(actionOf({ key: "m" }, { typing: true, pressable: true }, true), null);
  assert.equal(actionOf({ key: "m", ctrlKey: true }, page, true), null);
  assert.equal(actionOf({ key: " " }, { typing: false, pressable: true }, true), null);
  assert.equal(actionOf({ key: "m" }, page, false), null);
  assert.equal(actionOf({ key: "Escape" }, { typing: true, pressable: true }, false), "interrupt");
  assert.equal(new Set(SHORTCUTS.map(([key]) => key)).size, SHORTCUTS.length);
});

test("the conversation as text has one line for each that can be read", () => {
  const text = conversationText(after("hearing", "heard", "long_reply", "agreed", "interrupted", "shelf", "notice").entries, "today");
  assert.deepEqual(text.split("\n").slice(0, 5), [
    "AudioGPT Live, today", "", "You: What time is it?", "AudioGPT: I can tell you the time, and [interrupted]", "You: uh-huh [not answered]",
  ]);
  assert.match(text, /\[Number 1\] recording 1: here we go again\n\(The cello/);
});

test("what was dropped in is answered once all of it is there and nobody is in the middle of something", () => {
  const added = (id) => ({ type: "conversation.item.added", item: { id } });
  const asked = (asking, event, busy = false) => asking.follow(event, busy).map(({ type }) => type);
  const asking = new Asking();
  asking.sent("one");
  asking.sent("two");
  asking.sent("three");
  assert.deepEqual(asked(asking, added("one")), []);
  assert.deepEqual(asked(asking, { type: "error", error: { event_id: userItem("two", []).event_id } }), []);
  assert.deepEqual(asked(asking, added("three"), true), [], "somebody speaks");
  assert.deepEqual(asked(asking, { type: "response.done" }), ["response.create"]);
  assert.deepEqual(asked(asking, { type: "response.done" }), [], "once");
  asking.sent("four");
  asking.follow(added("four"), true);
  asking.follow({ type: "response.created", response: { conversation_id: null } }, true);
  asking.follow({ type: "response.created", response: { conversation_id: "conv_1" } }, true);
  assert.deepEqual(asked(asking, { type: "response.done" }), [], "that answer saw it");
  asking.sent("five");
  asking.sent("six");
  asking.end(new Set(["six"]));
  assert.deepEqual(asked(asking, added("six")), ["response.create"], "sent with the next call");
  asking.sent("seven");
  assert.deepEqual(asked(asking, { type: "error", error: { event_id: userItem("seven", []).event_id } }), [], "there is nothing to answer");
});

test("an answer that was under way already is no error, and no other is hidden for it", () => {
  const error = (event_id) => ({ type: "error", error: { code: "conversation_already_has_active_response", message: "busy", event_id } });
  assert.equal(reduce(initialState(), error(ASK_ID)).entries.length, 0);
  assert.equal(reduce(initialState(), error("other")).entries.length, 1);
});

test("what was dropped in gets its number and its words, and stands there once", () => {
  const dropped = (state, id, durationMs, media = "sound") =>
    reduce(withAttachment(state, id, { media, name: `${id}.wav`, preview: [], durationMs }), { type: "conversation.item.added", item: { id, type: "message", role: "user", content: [] } });
  const made = (id, number, fields) => ({ type: "audiogpt.artefact.created", id, kind: "speech", name: "recording 1", number, ...fields });
  const state = dropped(dropped(dropped(initialState(), "one", 2000), "two", 3000), "three", null, "image");
  const numbered = [
    made("art_1", 1, { duration_ms: 3010, text: "hello" }), made("art_2", 2, { duration_ms: 9000 }), made("art_3", 3, { kind: "image", duration_ms: null }),
    made("art_1", 1, { duration_ms: 3010, url: "files/1" }),
  ].reduce((now, event) => reduce(now, event), state);
  assert.deepEqual(numbered.entries.map(({ id, number, words }) => [id, number, words]), [
    ["one", undefined, undefined], ["two", 1, "hello"], ["three", 3, undefined], ["art_2", 2, undefined],
  ]);
  assert.deepEqual(Object.keys(numbered.artefacts), ["art_1", "art_2", "art_3"]);
  assert.equal(numbered.artefacts.art_1.url, "files/1");
});

test("the log of events holds the newest, without sound and without the token", () => {
  const log = new EventLog();
  for (let index = 0; index < 5_001; index++) log.add("received", { type: "audiogpt.timer", index }, 0);
  log.add("sent", { type: "conversation.item.create", item: { content: [{ audio: "A".repeat(9_999), text: "a word ".repeat(99) }] } }, 1);
  log.add("received", { type: "audiogpt.session.info", resume: "rtc_secret", voices: ["slt"] }, 2);
  const lines = log.text.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.equal(lines.length, 5_000);
  assert.equal(lines[0].event.index, 3);
  const [sent, info] = lines.slice(-2);
  assert.deepEqual([sent.way, sent.at], ["sent", "1970-01-01T00:00:00.001Z"]);
  assert.match(sent.event.item.content[0].audio, /^A{32}… \(9999 characters\)$/);
  assert.equal(sent.event.item.content[0].text.length, 7 * 99);
  assert.deepEqual(info.event, { type: "audiogpt.session.info", resume: "…", voices: ["slt"] });
});
