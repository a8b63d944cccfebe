// What the assistant is doing now, as words for the heading and a mood for the figure. Pure.

const WORDS = {
  listening: "Listening",
  hearing: "Hearing you",
  thinking: "Thinking",
  speaking: "Speaking",
  playing: "Playing",
};

/** {doing, title, detail}: `doing` names the look, the others are shown. */
export function activityView(phase, activity, hasMicrophone, isMuted) {
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
  const doing = activity.state in WORDS ? activity.state : "listening";
  if (doing === "listening" && (!hasMicrophone || isMuted)) {
    return { doing, title: "Waiting for you", detail: isMuted ? "Your microphone is muted" : "Type, or start talking" };
  }
  return { doing, title: WORDS[doing], detail: activity.detail };
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
