// What is shown of the state: headings, buttons, the banner, the panels.

import { activityView, linkWords, progressWords, talkButton } from "./activity.js";
import { byId, element, setText } from "./dom.js";
import { progressAt } from "./own-events.js";
import { canInterrupt } from "./protocol.js";

const PANELS = ["conversation", "shelf", "timing"];

/** Writes what the controls say, and gives the line under the heading. `call`: {phase, opening, hasMicrophone, muted, pushToTalk, isDown}. */
export function showControls(state, call) {
  const { phase, hasMicrophone, opening } = call;
  const live = phase.name === "live";
  const holding = call.pushToTalk ? (call.isDown ? "down" : "up") : null;
  const view = activityView(phase, state.activity, hasMicrophone, { muted: call.muted, holding }, live ? state.capture : null);
  Object.assign(document.body.dataset, {
    phase: phase.name,
    doing: view.doing,
    empty: String(state.entries.length === 0),
    music: String(state.music !== null),
    capture: live && state.capture ? state.capture.state : "",
  });
  setText(byId("doing"), view.title);
  setText(byId("link"), opening ? "Asking for the microphone…" : linkWords(phase, hasMicrophone));
  const { label, action } = talkButton(phase, hasMicrophone);
  setText(byId("talk-label"), label);
  byId("talk").dataset.action = action;
  byId("talk").disabled = opening;
  byId("interrupt").setAttribute("aria-disabled", String(!canInterrupt(state)));
  const speaking = live && hasMicrophone;
  byId("hold").hidden = !(speaking && call.pushToTalk);
  byId("hold").setAttribute("aria-pressed", String(call.isDown));
  byId("mute").hidden = !speaking || call.pushToTalk;
  setText(byId("mute-label"), call.muted ? "Unmute" : "Mute");
  byId("mute").setAttribute("aria-label", call.muted ? "Unmute the microphone" : "Mute the microphone");
  byId("mute").setAttribute("aria-pressed", String(call.muted));
  byId("hangup").hidden = !(live && !hasMicrophone);
  // Where there is room the music tells its name itself; its place here stays free.
  byId("detail").dataset.named = String(view.detail !== "" && view.detail === state.music?.name);
  byId("welcome").hidden = state.entries.some((entry) => entry.kind === "you" || entry.kind === "attachment");
  return view.detail;
}

/** The line under the heading; what takes long says for how long already. Once a frame. */
export function showDetail(state, detail, now) {
  const progress = progressAt(state.progress, now);
  setText(byId("detail"), progress ? progressWords(progress) : detail);
}

/** Shows what runs here, once for each server. */
export function showInfo(info) {
  byId("about").hidden = !info;
  const key = info ? info.version + info.profile : "";
  if (!info || byId("backends").dataset.key === key) return;
  byId("backends").dataset.key = key;
  const rows = Object.entries({ profile: info.profile, ...info.backends, version: info.version });
  byId("backends").replaceChildren(
    ...rows.map(([role, name]) => element("div", {}, element("dt", {}, role), element("dd", {}, name))));
}

/** Shows one of the panels where there is no room for all of them. */
export function showPanel(name) {
  document.body.dataset.panel = PANELS.includes(name) ? name : PANELS[0];
  for (const button of document.querySelectorAll(".switch button")) {
    button.setAttribute("aria-current", String(button.dataset.panel === document.body.dataset.panel));
  }
}

/** Lets the buttons of the switch do that. */
export function panelSwitch() {
  for (const button of document.querySelectorAll(".switch button")) {
    button.addEventListener("click", () => showPanel(button.dataset.panel));
  }
}

/** What stands in the way most, as the banner shows it, or null. `acts` are what its buttons do. */
export function obstacleOf({ phase, obstacle, soundHeld }, acts) {
  const words = ({ code, title, text }) => ({ code, title, text });
  if (phase.name === "waiting" || (phase.name === "connecting" && phase.failure)) {
    const { failure, retryAt = 0 } = phase;
    return { ...words(failure), retryAt, actions: [{ label: "Try now", run: acts.retry }] };
  }
  if (phase.name === "failed") {
    const key = { label: "Enter the key", run: acts.enterKey };
    const again = { label: "Reconnect", run: acts.reconnect };
    return { ...words(phase.failure), actions: phase.failure.code === "forbidden" ? [key, again] : [again] };
  }
  if (obstacle) {
    return { ...words(obstacle), actions: [{ label: "Try again", run: acts.talk }, { label: "Type instead", run: acts.type }] };
  }
  if (soundHeld) {
    return {
      code: "autoplay",
      title: "The browser holds the sound back",
      text: "It wants a tap before a page may be heard.",
      actions: [{ label: "Let me hear it", run: acts.unlock }],
    };
  }
  return null;
}

let fading = null;

/** A word for a moment: what was copied, what could not be read. */
export function toast(words) {
  setText(byId("toast"), words);
  clearTimeout(fading);
  fading = setTimeout(() => setText(byId("toast"), ""), 4_000 + 40 * words.length);
}

/** Tells screen readers a final line, politely, and forgets it: the list itself can be read at leisure. */
export function announce(text) {
  const line = element("p", {}, text);
  byId("announcer").append(line);
  setTimeout(() => line.remove(), 10_000);
}
