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

/** Wires the menu; `entries()` gives the conversation. */
export function keepMenu(entries) {
  const text = () => conversationText(entries(), today());
  const closing = (act) => () => {
    byId("keep").hidePopover();
    act();
  };
  byId("print").addEventListener("click", closing(printConversation));
  byId("copy").addEventListener("click", closing(() =>
    navigator.clipboard.writeText(text()).then(() => toast("Copied."), () => toast("The browser does not let the page copy. Download it instead."))));
  byId("download").addEventListener("click", closing(() => {
    const href = URL.createObjectURL(new Blob([text()], { type: "text/plain" }));
    element("a", { href, download: "conversation.txt" }).click();
    setTimeout(() => URL.revokeObjectURL(href), 10_000); // after the browser has read it
  }));
}
