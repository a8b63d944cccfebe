// What the assistant is doing now, as words for the heading and a mood for the figure. Pure.

const WORDS = {
  listening: "Listening",
  hearing: "Hearing you",
  thinking: "Thinking",
  speaking: "Speaking",
  playing: "Playing",
};

const CAPTURE = {
  dictation: { waiting: "Say what to write down", listening: "Writing down what you say…" },
  melody: { waiting: "Hum your tune", listening: "Taking down your tune…" },
  recording: { waiting: "Ready to record you", listening: "Recording you…" },
};
const CAPTURE_END = "Say “that’s it” when you are done";

/**
 * {doing, title, detail}: `doing` names the look, the others are shown.
 *
 * `heard`: {muted, holding}: the microphone is muted; push-to-talk is chosen, and the key is "up" or "down".
 */
export function activityView(phase, activity, hasMicrophone, { muted = false, holding = null } = {}, capture = null) {
  switch (phase.name) {
    case "idle":
      return { doing: "idle", title: "Ready", detail: "" };
    case "connecting":
      return { doing: "connecting", title: phase.attempt || phase.resuming ? "Reconnecting" : "Connecting", detail: "" };
    case "waiting":
      return { doing: "lost", title: phase.failure.code === "full" ? "Waiting for a place" : "Not connected", detail: "" };
    case "failed":
      return { doing: "lost", title: "Not connected", detail: "" };
    default:
  }
  if (!phase.steady) return { doing: "lost", title: "The network is unsteady", detail: "Holding the line…" };
  if (capture) return { doing: "hearing", title: CAPTURE[capture.kind]?.[capture.state] ?? "Recording…", detail: CAPTURE_END };
  const doing = activity.state in WORDS ? activity.state : "listening";
  if (doing === "listening" && !hasMicrophone) return { doing, title: "Waiting for you", detail: "Type, or start talking" };
  if (doing === "listening" && muted) return { doing, title: "Waiting for you", detail: "Your microphone is muted" };
  if (doing === "listening" && holding === "up") return { doing, title: "Waiting for you", detail: "Hold the button or Space while you talk" };
  return { doing, title: WORDS[doing], detail: activity.detail };
}

/** "composing… 3 s": work that takes a while. */
export function progressWords({ message, elapsedMs }) {
  return `${message.replace(/[.…\s]+$/, "")}… ${Math.floor(elapsedMs / 1000)} s`;
}

/** The name of the talk button and what pressing it does: "start", "cancel" or "end". */
export function talkButton(phase, hasMicrophone) {
  if (phase.name === "connecting") return { label: "Cancel", action: "cancel" };
  if (phase.name === "waiting") return { label: "Stop trying", action: "cancel" };
  if (phase.name === "live" && hasMicrophone) return { label: "End call", action: "end" };
  return { label: "Start talking", action: "start" };
}

/** One line for the top of the page. */
export function linkWords(phase, hasMicrophone) {
  if (phase.name === "live") {
    return `Connected${hasMicrophone ? "" : ", typing only"}${phase.via === "websocket" ? " (over WebSocket)" : ""}`;
  }
  if (phase.resuming) return "Reconnecting…";
  return { idle: "Not connected", connecting: "Connecting…", waiting: "Trying again", failed: "Not connected" }[phase.name];
}
