// The conversation as plain text, to be copied or kept. Pure.

import { called } from "./naming.js";

const WHO = { you: "You", assistant: "AudioGPT" };
const ENDS = { interrupted: " [interrupted]", cut: " [cut off]", failed: " [failed]", aside: " [not answered]" };

/** One entry as a line; "" where there is nothing to read. */
function lineOf(entry) {
  switch (entry.kind) {
    case "you":
    case "assistant":
      return entry.text ? `${WHO[entry.kind]}: ${entry.text}${ENDS[entry.status] ?? ""}` : "";
    case "artefact":
      return `[${called(entry)}] ${entry.name}${entry.text ? `: ${entry.text}` : ""}`;
    case "attachment":
      return `You: [${entry.media === "image" ? "picture" : "sound"}: ${entry.name}]${entry.words ? ` ${entry.words}` : ""}`;
    case "note":
      return `Note: ${entry.text}`;
    case "divider":
      return `--- ${entry.text} ---`;
    default:
      return `(${entry.message})`;
  }
}

/** The whole conversation, under a title with its date. */
export function conversationText(entries, date) {
  return [`AudioGPT Live, ${date}`, "", ...entries.map(lineOf).filter(Boolean), ""].join("\n");
}
