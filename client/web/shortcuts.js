// The keys of the page. One letter each, so they can be switched off (WCAG 2.1.4).

/** What is shown in the dialog: [keys, words, action]. `hold` keys act while they are down. */
export const SHORTCUTS = [
  ["Space", "Mute; or hold to talk, if you chose push-to-talk", "space"],
  ["T", "Start talking, or end the call", "talk"],
  ["M", "Mute or unmute the microphone", "mute"],
  ["Esc", "Interrupt", "interrupt"],
  ["/", "Type instead", "type"],
  ["A", "Attach a sound or a picture", "attach"],
  ["1", "Conversation", "conversation"],
  ["2", "Shelf", "shelf"],
  ["3", "Timing", "timing"],
  ["P", "Print the conversation", "print"],
  ["S", "Settings", "settings"],
  ["?", "These keys", "help"],
];

const ACTIONS = new Map(SHORTCUTS.map(([key, , action]) => [{ Space: " ", Esc: "escape" }[key] ?? key.toLowerCase(), action]));

/** The action of a key press, or null. `where`: what has the focus, as {typing, pressable}. Pure. */
export function actionOf({ key, ctrlKey, metaKey, altKey, isComposing }, where, enabled) {
  if (ctrlKey || metaKey || altKey || isComposing) return null;
  const action = ACTIONS.get(key === "Escape" ? "escape" : key.toLowerCase()) ?? null;
  if (action === "interrupt") return action;
  if (!enabled || where.typing) return null;
  return action === "space" && where.pressable ? null : action; // there it presses the button
}

function focusOf(node) {
  const typing = node.matches?.("input:not([type=range], [type=checkbox], [type=radio]), textarea, select, [contenteditable]") ?? false;
  const pressable = node.matches?.("button, summary, a[href], input, select, [role=button]") ?? false;
  return { typing, pressable };
}

/** Calls `run(action, isDown)` for keys pressed, and for Space also when it is let go. Nothing under a dialog. */
export function listenForShortcuts(isEnabled, run) {
  let held = false;
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open], :popover-open")) return; // they have keys of their own
    const action = actionOf(event, focusOf(event.target), isEnabled());
    if (!action) return;
    if (action !== "interrupt") event.preventDefault();
    if (event.repeat) return;
    if (action === "space") held = true;
    run(action, true);
  });
  const release = () => {
    if (held) run("space", false);
    held = false;
  };
  document.addEventListener("keyup", (event) => event.key === " " && release());
  window.addEventListener("blur", release); // the key is let go elsewhere
}
