// Wires the parts together: what the person does goes to the connection, what the server says to the store,
// what the store holds to the page.

import { activityView, linkWords, talkButton } from "./activity.js";
import { Banner } from "./banner.js";
import { interruption, itemId, typedTurn } from "./commands.js";
import { Connection } from "./connection.js";
import { Microphone } from "./devices.js";
import { byId, element, setText } from "./dom.js";
import { CallFailure } from "./failures.js";
import { Figure } from "./figure.js";
import { Voice } from "./meters.js";
import { MusicView, positionAt } from "./music.js";
import { canInterrupt, isReplying, reduce, withNotice, withTyped, withoutCall } from "./protocol.js";
import { Speaker } from "./speaker.js";
import { Store } from "./store.js";
import { themeButton } from "./theme.js";
import { TimersView } from "./timers.js";
import { TranscriptView } from "./transcript.js";

const SUGGESTIONS = [
  "What time is it?",
  "Make rain on a tin roof",
  "Play a calm piano piece in A minor",
  "Set a timer for ten seconds",
  "What’s twelve times nine?",
];

const NO_WEBRTC = "This network lets no WebRTC call through. Sound goes over the WebSocket instead, with a little more delay.";

const forced = new URLSearchParams(location.search).get("transport") === "websocket";
const store = new Store();
const outbox = []; // typed turns that wait for the call: [{id, text}]
let phase = { name: "idle" };
let obstacle = null; // a CallFailure of the microphone, shown until it is put right
let opening = false; // the browser is asking the person for the microphone
let muted = false;
let overSocket = false; // the person was told

const figure = new Figure(byId("figure"));
const you = new Voice(byId("level-you"));
const assistant = new Voice(byId("level-assistant"));
const music = new MusicView(byId("music"));
const timers = new TimersView(byId("timers"));
const banner = new Banner({
  banner: byId("banner"), title: byId("banner-title"), text: byId("banner-text"),
  countdown: byId("banner-countdown"), actions: byId("banner-actions"),
});
const transcript = new TranscriptView({
  list: byId("entries"), scroll: byId("scroll"), latest: byId("latest"), announce,
});
const speaker = new Speaker(byId("remote"), () => render());
const microphone = new Microphone(byId("microphone"), {
  onChoice: () => microphone.track && useMicrophone(),
  onLost: () => {
    letGo();
    fail(new CallFailure("mic-gone", {
      title: "The microphone went away",
      text: "It was unplugged or taken by something else. Choose another one, or type below.",
      retry: "ask",
    }));
  },
});
const connection = new Connection({
  event: (event) => store.update((state) => reduce(state, event, Date.now())),
  stream: (stream) => {
    speaker.play(stream);
    assistant.listen(speaker.context, stream);
  },
  audio: () => speaker.context,
  phase: onPhase,
}, { socket: forced });

// --- what happens --------------------------------------------------------------------------------------

function onPhase(next) {
  const was = phase;
  phase = next;
  if (holdsCall(was) && !holdsCall(next)) {
    const unsent = new Set(outbox.map(({ id }) => id));
    store.update((state) => withoutCall(state, unsent));
    assistant.listen(speaker.context, null);
    speaker.stop();
  }
  if (next.name === "idle" || next.name === "failed") letGo();
  if (next.name === "live") {
    for (const { id, text } of outbox.splice(0)) connection.send(typedTurn(id, text));
  }
  if (next.via === "websocket" && was.name === "connecting" && !overSocket) {
    overSocket = true;
    if (!forced) store.update((state) => withNotice(state, "info", NO_WEBRTC));
  }
  render();
}

/** Whether there is a call, be it one whose connection is being replaced. */
function holdsCall({ name, resuming }) {
  return name === "live" || resuming === true;
}

async function talk() {
  const { action } = talkButton(phase, microphone.track !== null);
  if (opening) return;
  if (action !== "start") {
    connection.stop();
    return;
  }
  speaker.unlock();
  if (!(await useMicrophone())) return;
  if (phase.name !== "live") connection.start(microphone.track);
}

/** Opens the chosen microphone for the call. False, with the reason on the page, where that fails. */
async function useMicrophone() {
  opening = true;
  render();
  try {
    await microphone.open();
    obstacle = null;
  } catch (error) {
    if (!(error instanceof CallFailure)) throw error;
    fail(error);
    return false;
  } finally {
    opening = false;
    render();
  }
  setMuted(false);
  you.listen(speaker.context, microphone.stream);
  await connection.setTrack(microphone.track);
  render();
  return true;
}

function letGo() {
  microphone.close();
  you.listen(speaker.context, null);
  connection.setTrack(null).catch(() => {}); // a call that is already closed has no sender to tell
}

function typeInstead() {
  fail(null);
  byId("text").focus();
}

/** Shows what is wrong with the microphone; null: nothing any more. */
function fail(failure) {
  obstacle = failure;
  render();
}

function setMuted(value) {
  muted = value;
  if (microphone.track) microphone.track.enabled = !value;
  render();
}

function say(text) {
  const line = text.trim();
  if (!line) return;
  const id = itemId();
  speaker.unlock();
  store.update((state) => withTyped(state, id, line));
  if (phase.name === "live") {
    connection.send(typedTurn(id, line, isReplying(store.state)));
    return;
  }
  outbox.push({ id, text: line });
  if (phase.name === "idle" || phase.name === "failed") connection.start(microphone.track);
}

function interrupt() {
  if (canInterrupt(store.state)) connection.send(interruption());
}

// --- what is shown -------------------------------------------------------------------------------------

function render() {
  const { state } = store;
  const hasMicrophone = microphone.track !== null;
  const view = activityView(phase, state.activity, hasMicrophone, muted);
  document.body.dataset.phase = phase.name;
  document.body.dataset.doing = view.doing;
  document.body.dataset.empty = String(state.entries.length === 0);
  setText(byId("doing"), view.title);
  setText(byId("detail"), view.detail === state.music?.name ? "" : view.detail);
  setText(byId("link"), opening ? "Asking for the microphone…" : linkWords(phase, hasMicrophone));

  const { label, action } = talkButton(phase, hasMicrophone);
  setText(byId("talk-label"), label);
  byId("talk").dataset.action = action;
  byId("talk").disabled = opening;
  byId("interrupt").setAttribute("aria-disabled", String(!canInterrupt(state)));
  byId("mute").hidden = !(phase.name === "live" && hasMicrophone);
  setText(byId("mute"), muted ? "Unmute" : "Mute");
  byId("mute").setAttribute("aria-label", muted ? "Unmute the microphone" : "Mute the microphone");
  byId("hangup").hidden = !(phase.name === "live" && !hasMicrophone);

  byId("welcome").hidden = state.entries.some((entry) => entry.kind === "you");
  transcript.show(state.entries);
  music.show(state.music);
  timers.show(state.timers);
  banner.show(currentBanner());
  showInfo(state.info);
}

/** What stands in the way most, or null. */
function currentBanner() {
  const again = { label: "Try again", run: () => talk() };
  const type = { label: "Type instead", run: typeInstead };
  if (phase.name === "waiting" || (phase.name === "connecting" && phase.failure)) {
    const { failure, retryAt = 0 } = phase;
    return { ...words(failure), retryAt, actions: [{ label: "Try now", run: () => connection.retryNow() }] };
  }
  if (phase.name === "failed") {
    return { ...words(phase.failure), actions: [{ label: "Reconnect", run: () => connection.start(microphone.track) }] };
  }
  if (obstacle) return { ...words(obstacle), actions: [again, type] };
  if (speaker.blocked) {
    return {
      code: "autoplay",
      title: "The browser holds the sound back",
      text: "It wants a tap before a page may be heard.",
      actions: [{ label: "Let me hear it", run: () => speaker.unlock() }],
    };
  }
  return null;
}

const words = ({ code, title, text }) => ({ code, title, text });

function showInfo(info) {
  byId("about").hidden = !info;
  if (!info || byId("backends").dataset.version === info.version + info.profile) return;
  byId("backends").dataset.version = info.version + info.profile;
  const rows = Object.entries({ profile: info.profile, ...info.backends, version: info.version });
  byId("backends").replaceChildren(
    ...rows.map(([role, name]) => element("div", {}, element("dt", {}, role), element("dd", {}, name))));
}

/** Tells screen readers a final line, politely, and forgets it: the list itself can be read at leisure. */
function announce(text) {
  const line = element("p", {}, text);
  byId("announcer").append(line);
  setTimeout(() => line.remove(), 10_000);
}

let last = performance.now();
function frame(now) {
  const elapsed = (now - last) / 1000;
  last = now;
  const wall = Date.now();
  you.update(now, elapsed);
  assistant.update(now, elapsed);
  figure.draw(now, document.body.dataset.doing, you, assistant, pulse(wall));
  music.tick(wall);
  timers.tick(wall);
  banner.tick(wall);
  requestAnimationFrame(frame);
}

/** 1 on a beat of the music, falling to 0 before the next. */
function pulse(now) {
  const playing = store.state.music;
  if (!playing?.tempo) return 0;
  const beat = 60_000 / playing.tempo;
  const phaseOfBeat = ((now - playing.since) % beat) / beat;
  return (positionAt(playing, now).beat === 0 ? 1 : 0.5) * (1 - phaseOfBeat) ** 3;
}

// --- start ---------------------------------------------------------------------------------------------

byId("talk").addEventListener("click", talk);
byId("interrupt").addEventListener("click", interrupt);
byId("mute").addEventListener("click", () => setMuted(!muted));
byId("hangup").addEventListener("click", () => connection.stop());
byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  say(byId("text").value);
  byId("text").value = "";
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") interrupt();
});
byId("suggestions").append(...SUGGESTIONS.map((text) => {
  const chip = element("button", { type: "button" }, text);
  chip.addEventListener("click", () => say(text));
  return element("li", {}, chip);
}));
themeButton(byId("theme"));
store.watch(render);
render();
requestAnimationFrame(frame);
