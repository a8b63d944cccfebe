// Keeping the conversation: on paper, on the clipboard, in a file.

import { conversationText } from "./conversation-text.js";
import { byId, element, setText } from "./dom.js";
import { toast } from "./page.js";

const today = () => new Date().toLocaleString(undefined, { dateStyle: "long", timeStyle: "short" });

/** Prints the page; print.css leaves the conversation of it. */
export function printConversation() {
  setText(byId("print-title"), `AudioGPT Live, ${today()}`);
  window.print();
}

/** Wires the menu; `entries()` gives the conversation, `events()` the events of the call, as JSON lines. */
export function keepMenu(entries, events) {
  const text = () => conversationText(entries(), today());
  const closing = (act) => () => {
    byId("keep").hidePopover();
    act();
  };
  byId("print").addEventListener("click", closing(printConversation));
  byId("copy").addEventListener("click", closing(() =>
    navigator.clipboard.writeText(text()).then(() => toast("Copied."), () => toast("The browser does not let the page copy. Download it instead."))));
  byId("download").addEventListener("click", closing(() => save(text(), "text/plain", "conversation.txt")));
  byId("download-events").addEventListener("click", closing(() => save(events(), "application/jsonl", "events.jsonl")));
}

function save(text, type, download) {
  const href = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href, download }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000); // after the browser has read it
}
