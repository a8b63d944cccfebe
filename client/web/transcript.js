// The conversation as the page shows it: one list entry for each line, updated in place.

import { element, setText } from "./dom.js";
import { inWords, latencyView, scaleFor } from "./latency.js";
import { called, nounOf } from "./naming.js";
import { clock } from "./shelf.js";

const WHO = { you: "You", assistant: "AudioGPT" };
const REMARKS = {
  sending: "sending",
  interrupted: "interrupted",
  failed: "failed",
  cut: "cut off",
};
const ASIDES = { backchannel: "heard, and went on", captured: "written down" };

/** The line in three parts: `firm`, `faint` (may still change) and a `remark` about how it ended. Pure. */
export function lineParts(entry) {
  const firmTo = entry.kind === "you" ? entry.stable : entry.text.length;
  return {
    firm: entry.text.slice(0, firmTo),
    faint: entry.text.slice(firmTo),
    remark: entry.status === "aside" ? (ASIDES[entry.decision?.decision] ?? "") : (entry.cause ?? REMARKS[entry.status] ?? ""),
  };
}

/** What a screen reader is told about `entry`, once it will not change any more; "" before. Pure. */
export function spokenLine(entry) {
  if (entry.kind === "notice" || entry.kind === "divider") return entry.message ?? entry.text;
  if (entry.kind === "artefact") return `${called(entry)}, ${nounOf(entry)}: ${entry.name}.`;
  if (entry.kind === "note") return `Note: ${entry.text}`;
  if (entry.kind === "attachment" && entry.words) return `In ${entry.name}: ${entry.words}`;
  if (entry.kind === "attachment") return entry.status === "failed" ? `${entry.name}: ${entry.cause}` : "";
  const ended = entry.kind === "you" ? ["final"] : ["done", "interrupted"];
  if (!entry.text || entry.typed || !ended.includes(entry.status)) return "";
  return `${WHO[entry.kind]}: ${entry.text}${entry.status === "interrupted" ? " (interrupted)" : ""}`;
}

const BUILD = {
  you: buildLine,
  assistant: buildLine,
  artefact: () => element("li", { class: "artefact" }),
  attachment: buildAttachment,
  note: (entry) => element("li", { class: "note" }, element("p", { class: "quote" }, entry.text)),
  notice: (entry) => element("li", { class: "notice", "data-level": entry.level }, entry.message),
  divider: (entry) => element("li", { class: "divider" }, entry.text),
};

/** Shows entries in `list`, follows the newest unless the person scrolled up, and tells `announce` finals. */
export class TranscriptView {
  #list;
  #scroll;
  #latest;
  #announce;
  #following = true;
  #top = 0;
  #rows = new Map(); // entry id -> { entry, node, scale, told }

  constructor({ list, scroll, latest, announce }) {
    this.#list = list;
    this.#scroll = scroll;
    this.#latest = latest;
    this.#announce = announce;
    latest.addEventListener("click", () => this.#follow());
    scroll.addEventListener("scroll", () => this.#scrolled());
    // The list also grows shorter and taller with the window and the on-screen keyboard.
    new ResizeObserver(() => this.#keepUp()).observe(scroll);
  }

  /** Shows `entries`. */
  show(entries) {
    const scale = scaleFor(entries.flatMap((entry) => (entry.latency ? [entry.latency.total] : [])));
    const gone = new Set(this.#rows.keys());
    entries.forEach((entry, index) => {
      gone.delete(entry.id);
      const row = this.#row(entry);
      this.#update(row, entry, scale);
      if (this.#list.children[index] !== row.node) this.#list.insertBefore(row.node, this.#list.children[index] ?? null);
    });
    for (const id of gone) {
      this.#rows.get(id).node.remove();
      this.#rows.delete(id);
    }
    this.#keepUp();
  }

  #row(entry) {
    if (!this.#rows.has(entry.id)) {
      this.#rows.set(entry.id, { entry: null, node: BUILD[entry.kind](entry), scale: 0, told: false });
    }
    return this.#rows.get(entry.id);
  }

  #update(row, entry, scale) {
    if (row.entry === entry && row.scale === scale) return;
    if (entry.kind === "you" || entry.kind === "assistant") updateLine(row.node, entry);
    if (entry.kind === "artefact" && entry !== row.entry) updateArtefact(row.node, entry);
    if (entry.kind === "attachment") updateAttachment(row.node, entry);
    if (entry.latency && (row.entry?.latency !== entry.latency || row.scale !== scale)) {
      updateLatency(row.node, entry.latency, scale);
    }
    Object.assign(row, { entry, scale });
    const words = row.told ? "" : spokenLine(entry);
    if (!words) return;
    row.told = true;
    this.#announce(words);
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroll;
    const atEnd = scrollHeight - scrollTop - clientHeight < 48; // about one line
    // Only going up is a wish to stay: being short of the end may just mean that a line came in meanwhile.
    if (atEnd || scrollTop < this.#top) this.#following = atEnd || this.#rows.size === 0;
    this.#top = scrollTop;
    this.#latest.hidden = this.#following;
  }

  /** The welcome, before the first line, is read from its top. */
  #keepUp() {
    if (this.#following && this.#rows.size > 0) this.#follow();
  }

  #follow() {
    this.#following = true;
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
    this.#latest.hidden = true;
  }
}

function buildLine(entry) {
  return element("li", { class: "line", "data-who": entry.kind },
    element("span", { class: "who" }, WHO[entry.kind]),
    element("p", { class: "words" },
      element("span", { class: "firm" }), element("span", { class: "faint" }), element("span", { class: "remark" })),
  );
}

function updateLine(node, entry) {
  const { firm, faint, remark } = lineParts(entry);
  node.dataset.status = entry.status;
  appendWords(node.querySelector(".firm"), firm, entry.kind === "assistant");
  setText(node.querySelector(".faint"), faint);
  setText(node.querySelector(".remark"), remark);
}

/** Sets the text of `node`; words that only add to it come in as spans of their own, so that they can fade in. */
function appendWords(node, text, apart) {
  const shown = node.textContent;
  if (apart && text.startsWith(shown)) {
    if (text.length > shown.length) node.append(element("span", { class: "word" }, text.slice(shown.length)));
  } else {
    setText(node, text);
  }
}

function updateLatency(node, latency, scale) {
  const old = node.querySelector(".latency");
  const view = latencyView(latency, scale);
  view.title = inWords(latency);
  if (!old) {
    node.append(view);
    return;
  }
  view.open = old.open;
  old.replaceWith(view);
}

function updateArtefact(node, entry) {
  node.dataset.kind = entry.artefactKind;
  const old = node.querySelector(".latency");
  const parts = [
    element("span", { class: "number", role: "img", "aria-label": called(entry) }, String(entry.number)),
    element("span", { class: "artefact-name" }, entry.name),
    entry.durationMs && entry.artefactKind !== "text" ? element("span", { class: "duration" }, clock(entry.durationMs)) : null,
    entry.text ? element("p", { class: "quote" }, entry.text) : null,
    old,
  ];
  node.replaceChildren(...parts.filter((part) => part !== null));
}

function buildAttachment(entry) {
  const picture = entry.media === "image"
    ? element("img", { src: entry.preview, alt: entry.name })
    : element("span", { class: "peaks", "aria-hidden": "true" }, ...entry.preview.map(peak));
  return element("li", { class: "line attachment", "data-who": "you" },
    element("span", { class: "who" }, WHO.you),
    element("div", {}, picture, element("p", { class: "kind" },
      element("span", { class: "number", role: "img", hidden: true }), element("span", { class: "file" }, entry.name), entry.durationMs ? ` · ${clock(entry.durationMs)}` : "", element("span", { class: "remark" })),
      element("p", { class: "quote", hidden: true })));
}

function peak(height) {
  const bar = element("i");
  bar.style.height = `${Math.max(4, height * 100)}%`;
  return bar;
}

/** Words with a capital and a full stop where they are more than a remark. */
function sentence(words) {
  if (!words.includes(" ")) return words;
  return `${words[0].toUpperCase()}${words.slice(1)}${/[.!?…]$/.test(words) ? "" : "."}`;
}

function updateAttachment(node, entry) {
  node.dataset.status = entry.status;
  setText(node.querySelector(".remark"), sentence(entry.cause ?? REMARKS[entry.status] ?? ""));
  const number = node.querySelector(".number");
  number.hidden = !entry.number;
  if (entry.number) setText(number, String(entry.number));
  number.setAttribute("aria-label", `Number ${entry.number}`);
  setText(node.querySelector(".quote"), entry.words ?? "");
  node.querySelector(".quote").hidden = !entry.words;
}
