// The small pure parts of the page.

import assert from "node:assert/strict";
import { test } from "node:test";

import { activityView, linkWords, progressWords, talkButton } from "../../../client/web/activity.js";
import { interruption, itemId, typedTurn } from "../../../client/web/commands.js";
import { insecureContext, microphoneFailure, refused, unreachable } from "../../../client/web/failures.js";
import { MOODS, blend, curve, ring } from "../../../client/web/harmonograph.js";
import { inWords, scaleFor, segments } from "../../../client/web/latency.js";
import { falling, position } from "../../../client/web/meters.js";
import { facts, positionAt } from "../../../client/web/music.js";
import { MAX_ATTEMPTS, backoff, retryAfter, secondsLeft } from "../../../client/web/retry.js";
import { withStereo } from "../../../client/web/sdp.js";
import { keep, remember } from "../../../client/web/storage.js";
import { remaining } from "../../../client/web/timers.js";
import { lineParts, spokenLine } from "../../../client/web/transcript.js";

test("backoff doubles up to half a minute and is spread", () => {
  assert.deepEqual([0, 1, 2, 10].map((attempt) => backoff(attempt, 1)), [1000, 2000, 4000, 30_000]);
  assert.equal(backoff(3, 0), 6000);
  assert.ok(MAX_ATTEMPTS > 3);
});

test("Retry-After is seconds, a date, or nothing", () => {
  assert.equal(retryAfter("7"), 7000);
  assert.equal(retryAfter("99999"), 600_000);
  assert.equal(retryAfter("Thu, 01 Jan 1970 00:00:30 GMT", 10_000), 20_000);
  assert.equal(retryAfter("Thu, 01 Jan 1970 00:00:30 GMT", 40_000), 0);
  for (const nothing of [null, "", "soon"]) assert.equal(retryAfter(nothing, 0, 5), 5);
});

test("a countdown never shows less than none", () => {
  assert.deepEqual([secondsLeft(2500, 0), secondsLeft(0, 9000)], [3, 0]);
});

test("each way to lose the microphone has words of its own", () => {
  const names = ["NotAllowedError", "NotFoundError", "NotReadableError", "OverconstrainedError", "Other"];
  const failures = names.map((name) => microphoneFailure({ name, message: "why" }));
  assert.equal(new Set(failures.map(({ code }) => code)).size, names.length);
  assert.equal(new Set(failures.map(({ text }) => text)).size, names.length);
  assert.ok(failures.every(({ retry }) => retry === "ask"));
  assert.match(insecureContext("http://pi.lan").text, /https.*http:\/\/pi\.lan/);
});

test("what the server refuses says whether waiting helps", () => {
  const full = refused(503, "All four places are taken.", 9000);
  assert.deepEqual([full.code, full.retry, full.after, full.text], ["full", "auto", 9000, "All four places are taken."]);
  assert.equal(refused(400, "bad SDP").retry, "ask");
  assert.equal(refused(401).code, "forbidden");
  assert.equal(refused(502).retry, "auto");
  assert.equal(refused(429, "", 4000).after, 4000);
  assert.equal(unreachable().retry, "auto");
});

test("a typed turn is an item and the wish for an answer; an interrupt silences both ends", () => {
  assert.match(itemId(), /^item_[0-9a-f]{20}$/);
  const [create, respond] = typedTurn("item_1", "hello");
  assert.deepEqual(create.item.content, [{ type: "input_text", text: "hello" }]);
  assert.equal(respond.type, "response.create");
  assert.equal(typedTurn("item_1", "hello", true)[0].type, "response.cancel");
  assert.deepEqual(interruption().map(({ type }) => type), ["response.cancel", "output_audio_buffer.clear"]);
});

test("a latency bar is laid end to end on a shared scale", () => {
  assert.deepEqual([scaleFor([]), scaleFor([300, 1200])], [1000, 1500]);
  const latency = { stages: { send: 50, endpoint: 200, asr: 50, vision: 100 }, total: 400 };
  const parts = segments(latency, 1000);
  assert.deepEqual(parts.map(({ stage }) => stage), ["endpoint", "asr", "send", "vision"]);
  assert.deepEqual(parts.map(({ start, width }) => [start, width]), [[0, 20], [20, 5], [25, 5], [30, 10]]);
  assert.match(inWords(latency), /^Answered in 400 milliseconds: end of your turn 200 ms, /);
});

test("meters are linear in decibels, rise at once and fall slowly", () => {
  assert.equal(position(new Float32Array(64)), 0);
  assert.equal(position(new Float32Array(64).fill(1)), 1);
  assert.ok(Math.abs(position(new Float32Array(64).fill(10 ** (-30 / 20))) - 0.5) < 0.001);
  assert.equal(falling(0.2, 0.9, 0.01), 0.9);
  assert.ok(falling(0.9, 0, 0.1) > 0.7);
});

test("the beat is counted from the bar and waits at its end", () => {
  const music = { beats: 4, tempo: 60, since: 0, chords: ["Am", "G"] };
  assert.deepEqual([0, 999, 2100, 60_000].map((now) => positionAt(music, now)),
    [{ beat: 0, chord: 0 }, { beat: 0, chord: 0 }, { beat: 2, chord: 1 }, { beat: 3, chord: 1 }]);
  assert.deepEqual(positionAt({ beats: 0, tempo: 0, since: 0, chords: [] }, 500), { beat: 0, chord: 0 });
  assert.equal(facts({ key: "A minor", tempo: 69.6, section: "", instruments: ["piano", "cello"] }), "A minor · 70 bpm · piano, cello");
});

test("timers count in seconds, minutes, hours", () => {
  assert.deepEqual([9_000, 65_000, 3_600_000, -5].map((at) => remaining(at, 0)), ["9 s", "1:05", "1:00:00", "0 s"]);
});

test("a line is firm, then faint", () => {
  const entry = { kind: "you", text: "what time is it", stable: 9, status: "hearing" };
  assert.deepEqual(lineParts(entry), { firm: "what time", faint: " is it", remark: "" });
  assert.equal(lineParts({ kind: "assistant", text: "It is", status: "interrupted" }).remark, "interrupted");
});

test("a screen reader hears final lines only", () => {
  const you = { kind: "you", text: "hello", stable: 5 };
  assert.equal(spokenLine({ ...you, status: "hearing" }), "");
  assert.equal(spokenLine({ ...you, status: "final" }), "You: hello");
  assert.equal(spokenLine({ ...you, status: "final", typed: true }), "");
  assert.equal(spokenLine({ kind: "assistant", text: "Hi", status: "speaking" }), "");
  assert.equal(spokenLine({ kind: "assistant", text: "Hi", status: "interrupted" }), "AudioGPT: Hi (interrupted)");
  assert.equal(spokenLine({ kind: "artefact", artefactKind: "sound", number: 2, name: "Rain" }), "Number 2, sound: Rain.");
  assert.equal(spokenLine({ kind: "notice", message: "Mind this." }), "Mind this.");
});

test("what the assistant does has words, and being cut off outranks it", () => {
  const live = { name: "live", steady: true };
  assert.equal(activityView(live, { state: "thinking", detail: "" }, true).title, "Thinking");
  assert.equal(activityView(live, { state: "listening", detail: "" }, false).title, "Waiting for you");
  assert.equal(activityView(live, { state: "listening", detail: "" }, true, { muted: true }).detail, "Your microphone is muted");
  assert.match(activityView(live, { state: "listening", detail: "" }, true, { holding: "up" }).detail, /^Hold/);
  assert.equal(activityView(live, { state: "juggling", detail: "" }, true).doing, "listening");
  assert.equal(activityView({ name: "live", steady: false }, { state: "speaking", detail: "" }, true).doing, "lost");
  assert.equal(activityView({ name: "waiting", failure: { code: "full" } }, {}, true).title, "Waiting for a place");
  for (const name of ["idle", "failed", "connecting"]) assert.ok(activityView({ name }, {}, true).title);
});

test("the talk button's name is what it does", () => {
  const name = (phase, mic) => talkButton({ name: phase }, mic).label;
  assert.deepEqual(
    [name("idle", false), name("connecting", true), name("waiting", true), name("live", true), name("live", false)],
    ["Start talking", "Cancel", "Stop trying", "End call", "Start talking"],
  );
  assert.equal(linkWords({ name: "live" }, false), "Connected, typing only");
});

test("the figure stays inside its circle in every mood, even with a loud voice", () => {
  const loud = Float32Array.from({ length: 64 }, (_, index) => (index % 2 ? 1 : -1));
  for (const [name, mood] of Object.entries(MOODS)) {
    const points = curve(mood, 1, new Float32Array(64));
    assert.ok(points.every((value) => Math.abs(value) <= 1), name);
    assert.ok(curve(mood, 1, loud).every(Number.isFinite), name);
  }
  assert.ok(ring(0.9, new Float32Array(8), 0.5).every((value) => Math.abs(value) <= 0.901));
  assert.ok(ring(0.94, loud, 0.12).every((value) => Math.abs(value) <= 1.06));
});

test("moods flow into each other", () => {
  const half = blend(MOODS.idle, MOODS.speaking, 0.3);
  assert.ok(half.ratio < MOODS.idle.ratio && half.ratio > MOODS.speaking.ratio);
  assert.deepEqual(blend(MOODS.idle, MOODS.idle, 1), MOODS.idle);
});

test("the offer asks for stereo, once, and for Opus alone", () => {
  const sdp = "m=audio\r\na=rtpmap:63 red/48000/2\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:63 111/111\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n";
  const wanted = sdp.replace("useinbandfec=1", "useinbandfec=1;stereo=1");
  assert.equal(withStereo(sdp), wanted);
  assert.equal(withStereo(wanted), wanted);
  assert.equal(withStereo("m=audio\r\n"), "m=audio\r\n");
});

test("settings are kept for the visit where there is no storage", () => {
  assert.equal(remember("theme", "auto"), "auto");
  keep("theme", "dark");
  assert.equal(remember("theme"), "dark");
});

test("what is being written down outranks what the server does, and is not obeyed", () => {
  const live = { name: "live", steady: true };
  const view = activityView(live, { state: "listening", detail: "" }, true, {}, { kind: "dictation", state: "listening" });
  assert.equal(view.title, "Writing down what you say…");
  assert.match(view.detail, /that’s it/);
});

test("work that takes a while says for how long", () => {
  assert.equal(progressWords({ message: "composing...", elapsedMs: 3900 }), "composing… 3 s");
});
