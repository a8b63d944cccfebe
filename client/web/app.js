// Wires the parts together: what the person does goes to the connection, what the server says to the store,
// what the store holds to the page.

import { Asking } from "./asking.js";
import { AttachmentError, readAttachment } from "./attachments.js";
import { Banner } from "./banner.js";
import { talkButton } from "./activity.js";
import { Clips } from "./clips.js";
import { SESSION_SETTINGS, cancellation, interruption, itemId, retrieval, sessionUpdate, typedTurn, userItem } from "./commands.js";
import { Connection } from "./connection.js";
import { Microphone } from "./devices.js";
import { byId, element } from "./dom.js";
import { dropZone } from "./drop-zone.js";
import { withAttachment, withNotice, withTyped } from "./entries.js";
import { EventLog } from "./event-log.js";
import { CallFailure } from "./failures.js";
import { Figure } from "./figure.js";
import { keepMenu, printConversation } from "./keep.js";
import { Voice } from "./meters.js";
import { MusicView, pulseAt } from "./music.js";
import { called, requestFor } from "./naming.js";
import { announce, obstacleOf, panelSwitch, showControls, showDetail, showInfo, showPanel, toast } from "./page.js";
import { canInterrupt, isBusy, isReplying, reduce, withoutCall } from "./protocol.js";
import { PushToTalk } from "./push-to-talk.js";
import { QualityView } from "./quality.js";
import { SettingsSheet } from "./settings-sheet.js";
import { Settings } from "./settings.js";
import { ShelfView } from "./shelf.js";
import { SHORTCUTS, listenForShortcuts } from "./shortcuts.js";
import { Speaker } from "./speaker.js";
import { Store } from "./store.js";
import { applyTheme } from "./theme.js";
import { TimersView } from "./timers.js";
import { TimingView } from "./timing.js";
import { TraceView } from "./trace-view.js";
import { TranscriptView } from "./transcript.js";

const SUGGESTIONS = [
  "What time is it?",
  "Make rain on a tin roof",
  "Play a calm piano piece in A minor",
  "Set a timer for ten seconds",
  "Write down what I say next",
];

const NO_WEBRTC = "This network lets no WebRTC call through. Sound goes over the WebSocket instead, with a little more delay.";
const MOST_WAITING = 16; // things typed or attached before there is a call

const forced = new URLSearchParams(location.search).get("transport") === "websocket";
const settings = new Settings();
const store = new Store();
const asking = new Asking();
const log = new EventLog();
const outbox = []; // what waits for the call: [{id, events}]
let phase = { name: "idle" };
let obstacle = null; // a CallFailure of the microphone, shown until it is put right
let opening = false; // the browser is asking the person for the microphone
let muted = false;
let overSocket = false; // the person was told
let detail = "";

const figure = new Figure(byId("figure"));
const you = new Voice(byId("level-you"));
const assistant = new Voice(byId("level-assistant"));
const trace = new TraceView(byId("trace"), you, assistant);
const music = new MusicView(byId("music"), () => stopMusic());
const timers = new TimersView(byId("timers"));
const banner = new Banner({
  banner: byId("banner"), title: byId("banner-title"), text: byId("banner-text"),
  countdown: byId("banner-countdown"), actions: byId("banner-actions"),
});
const transcript = new TranscriptView({
  list: byId("entries"), scroll: byId("scroll"), latest: byId("latest"), announce,
});
const clips = new Clips({
  change: () => render(),
  fail: (id, why) => toast(`${called(store.state.artefacts[id])} could not be played. ${why}`),
});
const shelf = new ShelfView({
  list: byId("shelf-list"), empty: byId("shelf-empty"), count: byId("shelf-count"), press: pressArtefact, fail: toast,
});
const timing = new TimingView({ node: byId("timing"), empty: byId("timing-empty") });
const sheet = new SettingsSheet(settings);
const speaker = new Speaker(byId("remote"), () => render());
const microphone = new Microphone({
  onLost: () => {
    letGo();
    fail(new CallFailure("mic-gone", {
      title: "The microphone went away",
      text: "It was unplugged or taken by something else. Choose another one in the settings, or type below.",
      retry: "ask",
    }));
  },
});
const connection = new Connection({
  event: onEvent,
  sent: (event) => log.add("sent", event, Date.now()),
  stream: (stream) => {
    speaker.play(stream);
    assistant.listen(speaker.context, stream);
  },
  audio: () => speaker.context,
  phase: onPhase,
}, { socket: forced });
const pushToTalk = new PushToTalk({
  send: (events) => connection.send(events),
  interrupt: () => isReplying(store.state) && interrupt(),
  change: () => openMicrophone(),
});
const quality = new QualityView({ button: byId("quality"), rows: byId("quality-rows"), stats: () => connection.stats() });

// --- what happens --------------------------------------------------------------------------------------

function onEvent(event) {
  log.add("received", event, Date.now());
  store.update((state) => reduce(state, event, Date.now()));
  pushToTalk.follow(event);
  connection.send(asking.follow(event, isBusy(store.state)));
  // What of an interrupted answer was heard is known to the server, to the word.
  if (event.type === "conversation.item.truncated") connection.send([retrieval(event.item_id)]);
}

function onPhase(next) {
  const was = phase;
  phase = next;
  if (holdsCall(was) && !holdsCall(next)) {
    const unsent = new Set(outbox.map(({ id }) => id));
    asking.end(unsent);
    store.update((state) => withoutCall(state, unsent));
    assistant.listen(speaker.context, null);
    speaker.stop();
  }
  if (next.name === "idle" || next.name === "failed") letGo();
  if (next.name === "live") {
    if (!next.resumed && was.name !== "live") configure(settings.changed(SESSION_SETTINGS));
    for (const { events } of outbox.splice(0)) connection.send(events);
  }
  if (next.via === "websocket" && was.name === "connecting" && !overSocket) {
    overSocket = true;
    if (!forced) store.update((state) => withNotice(state, "info", NO_WEBRTC));
  }
  quality.follow(next.via ?? null);
  render();
}

/** Whether there is a call, be it one whose connection is being replaced. */
function holdsCall({ name, resuming }) {
  return name === "live" || resuming === true;
}

/** Tells the server of these settings. */
function configure(names) {
  const event = sessionUpdate(settings.values, names, store.state.info?.voices[0]);
  if (event) connection.send([event]);
}

function onSetting(name, values) {
  if (name === "theme") applyTheme(values.theme);
  if (name === "theme" || name === "view") trace.show(values.view);
  if (name === "microphone" && microphone.track) useMicrophone();
  if (name === "speaker") useSpeaker();
  if (name === "pushToTalk") openMicrophone();
  if (SESSION_SETTINGS.includes(name)) configure([name]);
}

function useSpeaker() {
  for (const output of [speaker, clips]) {
    output.sink(settings.values.speaker)?.catch(() => toast("That loudspeaker cannot be used. The default one is."));
  }
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
    await microphone.open(settings.values.microphone);
    obstacle = null;
  } catch (error) {
    if (!(error instanceof CallFailure)) throw error;
    fail(error);
    return false;
  } finally {
    opening = false;
    render();
  }
  sheet.listDevices();
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
  openMicrophone();
}

/** Lets the microphone be heard, or not: as it is muted, or the key is held. */
function openMicrophone() {
  const heard = settings.values.pushToTalk ? pushToTalk.open : !muted;
  if (microphone.track) microphone.track.enabled = heard;
  render();
}

/** Space: holds the floor with push-to-talk, else mutes. */
function space(isDown) {
  if (phase.name !== "live" || !microphone.track) return;
  if (settings.values.pushToTalk) {
    if (isDown) pushToTalk.press();
    else pushToTalk.release();
  } else if (isDown) setMuted(!muted);
}

function say(text) {
  const line = text.trim();
  if (!line) return;
  const id = itemId();
  store.update((state) => withTyped(state, id, line));
  send(id, typedTurn(id, line, phase.name === "live" && isReplying(store.state)));
}

/** Sends events now, or with a call that is made for them. */
function send(id, events) {
  speaker.unlock();
  if (phase.name === "live") {
    connection.send(events);
    return;
  }
  outbox.push({ id, events });
  if (phase.name === "idle" || phase.name === "failed") connection.start(microphone.track);
}

async function attach(files) {
  showPanel("conversation");
  for (const file of files) {
    if (outbox.length >= MOST_WAITING) return;
    try {
      const { content, note, ...shown } = await readAttachment(file);
      const id = itemId();
      store.update((state) => withAttachment(state, id, shown));
      if (note) store.update((state) => withNotice(state, "info", note));
      asking.sent(id);
      send(id, [userItem(id, content)]);
    } catch (error) {
      if (!(error instanceof AttachmentError)) throw error;
      store.update((state) => withNotice(state, "error", error.message));
    }
  }
}

function interrupt() {
  if (clips.playing) clips.stop();
  if (canInterrupt(store.state)) connection.send(interruption());
}

function stopMusic() {
  const { responseId } = store.state.music ?? {};
  if (responseId) connection.send([cancellation(responseId)]);
  else interrupt();
}

const plays = (id) => clips.playing === id || store.state.music?.artefactId === id;

/** The button of an artefact on the shelf: what has an address is played here, the rest is asked for. */
function pressArtefact(id) {
  const artefact = store.state.artefacts[id];
  if (clips.playing === id) clips.stop();
  else if (plays(id)) stopMusic();
  else if (artefact.url && !["text", "image"].includes(artefact.artefactKind)) clips.play(id, artefact.url);
  else say(requestFor(artefact));
}

// --- what is shown -------------------------------------------------------------------------------------

function render() {
  const { state } = store;
  detail = showControls(state, {
    phase, opening, muted, hasMicrophone: microphone.track !== null,
    pushToTalk: settings.values.pushToTalk, isDown: pushToTalk.isDown,
  });
  transcript.show(state.entries);
  shelf.show(state.artefacts, plays);
  timing.show(state.entries);
  music.show(state.music);
  timers.show(state.timers);
  sheet.offerVoices(state.info?.voices ?? []);
  showInfo(state.info);
  banner.show(obstacleOf({ phase, obstacle, soundHeld: speaker.blocked }, {
    talk,
    type: typeInstead,
    retry: () => connection.retryNow(),
    reconnect: () => connection.start(microphone.track),
    enterKey: () => sheet.askForKey(),
    unlock: () => speaker.unlock(),
  }));
}

let last = performance.now();
function frame(now) {
  const elapsed = (now - last) / 1000;
  last = now;
  const wall = Date.now();
  you.update(now, elapsed);
  assistant.update(now, elapsed);
  figure.draw(now, document.body.dataset.doing, you, assistant, pulseAt(store.state.music, wall));
  if (phase.name === "live") trace.draw(wall, store.state.marks);
  music.tick(wall);
  timers.tick(wall);
  shelf.tick(clips.playing, clips.progress);
  banner.tick(wall);
  showDetail(store.state, detail, wall);
  requestAnimationFrame(frame);
}

// --- start ---------------------------------------------------------------------------------------------

const ACTIONS = {
  talk,
  interrupt,
  mute: () => microphone.track && setMuted(!muted),
  space,
  type: () => byId("text").focus(),
  attach: () => byId("files").click(),
  conversation: () => showPanel("conversation"),
  shelf: () => showPanel("shelf"),
  timing: () => showPanel("timing"),
  print: printConversation,
  settings: () => sheet.open(),
  help: () => byId("help-sheet").showModal(),
};

for (const name of ["talk", "interrupt", "settings", "help"]) byId(name).addEventListener("click", () => ACTIONS[name]());
byId("mute").addEventListener("click", () => setMuted(!muted));
byId("hangup").addEventListener("click", () => connection.stop());
byId("hold").addEventListener("pointerdown", () => space(true));
for (const end of ["pointerup", "pointercancel", "pointerleave"]) byId("hold").addEventListener(end, () => space(false));
byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  say(byId("text").value);
  byId("text").value = "";
});
byId("suggestions").append(...SUGGESTIONS.map((text) => {
  const chip = element("button", { type: "button" }, text);
  chip.addEventListener("click", () => say(text));
  return element("li", {}, chip);
}));
byId("keys").append(...SHORTCUTS.map(([key, words]) =>
  element("div", {}, element("dt", {}, element("kbd", {}, key)), element("dd", {}, words))));
listenForShortcuts(() => settings.values.shortcuts, (action, isDown) => ACTIONS[action](isDown));
dropZone({ veil: byId("veil"), button: byId("attach"), input: byId("files"), take: attach });
keepMenu(() => store.state.entries, () => log.text);
panelSwitch();
settings.watch(onSetting);
applyTheme(settings.values.theme);
trace.show(settings.values.view);
if (settings.values.speaker) useSpeaker();
store.watch(render);
render();
requestAnimationFrame(frame);
