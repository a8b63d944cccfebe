// The sound of a call over the WebSocket: rates, pieces, the buffer, and what takes a call up again.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Listening } from "../../../client/web/listening.js";
import { decodePcm, encodePcm } from "../../../client/web/pcm.js";
import { PlaybackQueue, START } from "../../../client/web/playback.js";
import { Resampler } from "../../../client/web/resample.js";
import { Resumption, resumeDelay } from "../../../client/web/retry.js";
import { socketAddress } from "../../../client/web/socket.js";

const RATE = 48_000;
const BLOCK = 128;

const tone = (hertz, rate, count) => Float32Array.from({ length: count }, (_, n) => Math.sin((2 * Math.PI * hertz * n) / rate));
const join = (parts) => Float32Array.from(parts.flatMap((part) => [...part]));

function resampled(input, from, to, step = BLOCK) {
  const resampler = new Resampler(from, to);
  const parts = [];
  for (let at = 0; at < input.length; at += step) parts.push(resampler.push(input.subarray(at, at + step)));
  return join(parts);
}

/** The share of `samples` that is not a sine of `hertz`, as a power ratio in decibels. */
function distortion(samples, hertz, rate) {
  let [a, b, power] = [0, 0, 0];
  samples.forEach((sample, n) => {
    a += sample * Math.sin((2 * Math.PI * hertz * n) / rate);
    b += sample * Math.cos((2 * Math.PI * hertz * n) / rate);
    power += sample ** 2;
  });
  const explained = (2 * (a ** 2 + b ** 2)) / samples.length;
  return 10 * Math.log10(Math.abs(power - explained) / power);
}

test("a tone keeps its pitch and level through every pair of rates", () => {
  for (const [from, to] of [[48_000, 24_000], [24_000, 48_000], [44_100, 24_000], [24_000, 44_100], [16_000, 24_000]]) {
    const out = resampled(tone(1000, from, from), from, to).subarray(2000, 2000 + to / 4);
    assert.ok(distortion(out, 1000, to) < -50, `${from} to ${to}`);
    assert.ok(Math.abs(Math.max(...out) - 1) < 0.02);
  }
});

test("what the lower rate cannot hold is filtered out", () => {
  const out = resampled(tone(15_000, 48_000, 48_000), 48_000, 24_000).subarray(1000);
  assert.ok(Math.max(...out) < 0.01);
});

test("the pieces do not matter to the result", () => {
  const input = tone(440, 44_100, 5_000);
  const [whole, pieces] = [resampled(input, 44_100, 24_000, 5_000), resampled(input, 44_100, 24_000, 37)];
  assert.equal(whole.length, pieces.length);
  whole.forEach((sample, n) => assert.ok(Math.abs(sample - pieces[n]) < 1e-4));
});

test("samples survive the wire", () => {
  const samples = Float32Array.from([0, 0.5, -1, 1, -0.25]);
  const back = decodePcm(encodePcm(samples));
  samples.forEach((sample, n) => assert.ok(Math.abs(sample - back[n]) <= 1 / 32768));
});

/** Pulls `seconds` from `queue`; `feed(at)` runs before each block. */
function listen(queue, seconds, feed = () => {}) {
  const blocks = [];
  for (let at = 0; at < seconds; at += BLOCK / RATE) {
    feed(at);
    const block = new Float32Array(BLOCK);
    queue.pull(block);
    blocks.push(block);
  }
  return join(blocks);
}

const sounding = (samples) => samples.findIndex((sample) => Math.abs(sample) > 0.01) / RATE;
const steepest = (samples) => samples.reduce((most, sample, n) => Math.max(most, Math.abs(sample - (samples[n - 1] ?? 0))), 0);
const ones = (seconds) => new Float32Array(Math.round(seconds * RATE)).fill(0.5);

test("a stretch begins when a little is buffered, is played whole, and clicks at neither end", () => {
  const queue = new PlaybackQueue(RATE);
  queue.push(ones(0.5));
  const heard = listen(queue, 1);
  assert.ok(Math.abs(sounding(heard) - START) < 0.01);
  assert.ok(Math.abs(heard.filter((sample) => sample > 0.49).length / RATE - 0.5) < 0.01);
  assert.ok(steepest(heard) < 0.01);
});

test("even a sound shorter than the buffer is heard", () => {
  const queue = new PlaybackQueue(RATE);
  queue.push(ones(0.03));
  assert.ok(sounding(listen(queue, 0.5)) > 0);
});

test("the buffer grows when it runs dry, not between two stretches, and shrinks again", () => {
  const queue = new PlaybackQueue(RATE);
  queue.push(ones(0.2));
  listen(queue, 1);
  queue.push(ones(0.2)); // 0.7 s later: a new stretch
  assert.equal(queue.target, START);
  listen(queue, 0.35);
  queue.push(ones(0.2)); // 70 ms too late
  assert.ok(queue.target > START);
  let fed = 0;
  const feed = (at) => {
    if (at >= fed) queue.push(ones(0.02));
    if (at >= fed) fed += 0.02;
  };
  listen(queue, 45, feed);
  assert.equal(queue.target, START);
});

test("an interruption drops the rest within a few milliseconds, without a click", () => {
  const queue = new PlaybackQueue(RATE);
  queue.push(ones(10));
  const before = listen(queue, 0.5);
  queue.drop();
  const after = listen(queue, 0.5);
  assert.ok(before.at(-1) > 0.4);
  assert.ok(after.findLastIndex((sample) => sample > 0) / RATE < 0.01);
  assert.ok(steepest(join([before, after])) < 0.01);
  assert.equal(queue.buffered, 0);
  assert.equal(queue.target, START);
});

test("what was heard of an item is counted to the sample, whatever else was in the buffer", () => {
  const queue = new PlaybackQueue(RATE);
  queue.push(ones(0.1), "one");
  queue.push(ones(0.3), "two");
  listen(queue, START + 0.2);
  assert.deepEqual(queue.drop(["one"]), [], "it was heard to its end");
  const left = queue.buffered;
  const [cut, ...others] = queue.drop(null);
  assert.deepEqual([cut.item, others.length], ["two", 0]);
  // What was pulled of it, and the 3 ms in which it fades.
  assert.equal(cut.heardMs, Math.floor((0.3 - left + 0.003) * 1000 + 1e-6));
  queue.push(ones(0.1), "two");
  assert.ok(queue.buffered < 0.004, "what was still on its way of it is not heard");
  queue.push(ones(0.1), "three");
  assert.ok(listen(queue, 0.3).some((sample) => sample > 0.4));
});

test("held, it falls silent where it is and goes on at the next sample", () => {
  const queue = new PlaybackQueue(RATE);
  const ramp = Float32Array.from({ length: RATE / 2 }, (_, n) => 0.2 + n / RATE);
  queue.push(ramp, "one");
  const before = listen(queue, START + 0.1);
  queue.hold();
  queue.push(ones(0.02), "one"); // in which the server's own voice fades
  const silence = listen(queue, 1);
  assert.ok(silence.findLastIndex((sample) => sample > 0) < 0.004 * RATE);
  assert.ok(steepest(join([before, silence])) < 0.01);
  const left = queue.buffered - 0.02;
  queue.push(ones(0.02), "one");
  const after = listen(queue, 0.05);
  const expected = ramp[ramp.length - Math.round(left * RATE) + 400];
  const first = after.findIndex((sample) => sample > 0);
  assert.ok(first < 2 * BLOCK, "there is nothing to wait for");
  assert.ok(after.some((sample) => Math.abs(sample - expected) < 1e-3));
  queue.hold();
  queue.release();
  assert.ok(listen(queue, 0.05).some((sample) => sample > 0.4), "or it is let go on");
});

/** A call in which `item_1` of `resp_1` is being said. */
function speaking() {
  const listening = new Listening();
  listening.receives({ type: "response.created", response: { id: "resp_1" } });
  listening.receives({ type: "conversation.item.added", item: { id: "item_1", role: "assistant" } });
  listening.receives({ type: "response.output_audio.delta", response_id: "resp_1", item_id: "item_1" });
  return listening;
}

test("somebody who speaks over a reply silences what is buffered of it, until it is known what was meant", () => {
  const started = { type: "input_audio_buffer.speech_started" };
  assert.equal(new Listening().receives(started), null, "there is nothing to silence");
  const listening = speaking();
  assert.deepEqual(listening.receives(started), { hold: true });
  listening.receives({ type: "response.created", response: { id: "resp_2" } });
  listening.receives({ type: "response.output_audio.delta", response_id: "resp_2", item_id: "music" });
  assert.equal(listening.receives(started), null, "music goes on");
  listening.receives({ type: "response.done", response: { id: "resp_2", status: "completed" } });
  assert.deepEqual(listening.receives({ type: "response.done", response: { id: "resp_1", status: "completed" } }), { hold: false });
  assert.equal(listening.receives(started), null, "the server has sent all of it: it is heard to its end");
});

test("what the server or the page cuts is dropped, and music beside it is not", () => {
  const done = (id, status) => ({ type: "response.done", response: { id, status, output: [] } });
  assert.deepEqual(speaking().receives(done("resp_1", "cancelled")), { drop: ["item_1"] });
  assert.deepEqual(speaking().receives(done("resp_2", "cancelled")), { drop: [] });
  assert.deepEqual(speaking().receives({ type: "conversation.item.truncated", item_id: "item_1" }), { drop: ["item_1"] });
  assert.deepEqual(speaking().sends({ type: "response.cancel" }), { drop: ["item_1"] });
  assert.deepEqual(speaking().sends({ type: "response.cancel", response_id: "resp_1" }), { drop: ["item_1"] });
  assert.equal(speaking().sends({ type: "response.cancel", response_id: "resp_9" }), null);
  assert.deepEqual(speaking().sends({ type: "output_audio_buffer.clear" }), { drop: null });
  assert.equal(speaking().sends({ type: "response.create" }), null);
});

test("what was heard is told of what is in the conversation", () => {
  const cut = [{ item: "item_1", heardMs: 440 }, { item: "item_of_music", heardMs: 9_000 }];
  assert.deepEqual(speaking().truncations(cut), [
    { type: "conversation.item.truncate", item_id: "item_1", content_index: 0, audio_end_ms: 440 },
  ]);
});

test("the socket is beside the page, and names the call to take up", () => {
  assert.equal(socketAddress("http://pi.lan:8080/x/").href, "ws://pi.lan:8080/x/v1/realtime?resume=new");
  assert.equal(socketAddress("https://a/", "rtc_1.s-_", "event_9").href, "wss://a/v1/realtime?resume=rtc_1.s-_&last_event=event_9");
});

test("a call can be taken up once the server gave its token, from the last event on", () => {
  const resumption = new Resumption();
  assert.ok(!resumption.possible);
  resumption.follow({ type: "audiogpt.session.info", event_id: "event_1", resume: "token", resume_grace: 20 });
  resumption.follow({ type: "response.created", event_id: "event_2" });
  assert.ok(resumption.possible);
  assert.deepEqual([resumption.options, resumption.graceMs], [{ resume: "token", lastEvent: "event_2" }, 20_000]);
  resumption.follow({ type: "audiogpt.session.info", event_id: "event_3", resume: null });
  assert.ok(!resumption.possible);
  assert.ok(resumeDelay(0) < 500 && resumeDelay(20) <= 2_000);
});
