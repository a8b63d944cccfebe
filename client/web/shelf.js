// The shelf: everything that was made or kept, under its number, to be played, kept or read.

import { element, setText } from "./dom.js";
import { called } from "./naming.js";

/** "0:07", "1:05": how long a sound is. Pure. */
export function clock(ms) {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** "Piece 2 · 0:42", without what its name says already. Pure. */
export function describe(artefact) {
  const { artefactKind, durationMs, name } = artefact;
  const known = name.toLowerCase() === called(artefact).toLowerCase();
  return [known ? "" : called(artefact), durationMs && artefactKind !== "text" ? clock(durationMs) : ""].filter(Boolean).join(" · ");
}

/** What the button of an artefact does now: {label, name}. Pure. */
export function playButton(artefact, isPlaying) {
  const name = { text: "Read", image: "Show" }[artefact.artefactKind] ?? "Play";
  const label = isPlaying ? "Stop" : name;
  return { label, name: `${label} ${called(artefact).toLowerCase()}` };
}

/** A file's name from an artefact's. Pure. */
export function fileName({ number, name }, ending) {
  const plain = name.normalize("NFKD").replace(/[^\w]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 60);
  return `${number}-${plain || "artefact"}.${ending}`;
}

/** Shows the artefacts in `list`. `handlers`: press(id). */
export class ShelfView {
  #list;
  #empty;
  #count;
  #press;
  #shown = null;
  #rows = new Map(); // id -> {artefact, node, button}

  constructor({ list, empty, count, press }) {
    this.#list = list;
    this.#empty = empty;
    this.#count = count;
    this.#press = press;
  }

  /** Shows `artefacts` (id -> artefact); `isPlaying(id)` tells which sound. */
  show(artefacts, isPlaying) {
    if (artefacts !== this.#shown) this.#rebuild(artefacts);
    for (const [id, { artefact, button }] of this.#rows) {
      const { label, name } = playButton(artefact, isPlaying(id));
      setText(button, label);
      button.setAttribute("aria-label", name);
      button.dataset.playing = String(isPlaying(id));
    }
  }

  #rebuild(artefacts) {
    this.#shown = artefacts;
    const entries = Object.entries(artefacts);
    this.#empty.hidden = entries.length > 0;
    setText(this.#count, entries.length ? String(entries.length) : "");
    for (const [id, artefact] of entries) {
      const row = this.#rows.get(id);
      if (row?.artefact === artefact) continue;
      const made = { artefact, ...this.#build(id, artefact) };
      if (row) row.node.replaceWith(made.node);
      else this.#list.prepend(made.node); // the newest is what one looks for
      this.#rows.set(id, made);
    }
  }

  #build(id, artefact) {
    const button = element("button", { type: "button", class: "plain" });
    button.addEventListener("click", () => this.#press(id));
    const node = element("li", { class: "shelf-item", "data-kind": artefact.artefactKind },
      element("span", { class: "number", "aria-hidden": "true" }, String(artefact.number)),
      element("div", { class: "what" },
        element("p", { class: "artefact-name" }, artefact.name),
        element("p", { class: "kind" }, describe(artefact))),
      artefact.text ? element("p", { class: "quote" }, artefact.text) : null,
      artefact.artefactKind === "image" && artefact.url ? element("img", { src: artefact.url, alt: artefact.name }) : null,
      element("div", { class: "actions" }, button, downloadOf(artefact)));
    return { node, button };
  }
}

/** A link to the file: the server's, or for words one that the page makes. Null where there is nothing to keep. */
function downloadOf(artefact) {
  const name = `Download ${called(artefact).toLowerCase()}`;
  if (artefact.url) return element("a", { href: artefact.url, download: true, class: "plain", "aria-label": name }, "Download");
  if (!artefact.text) return null;
  const href = `data:text/plain;charset=utf-8,${encodeURIComponent(`${artefact.text}\n`)}`;
  return element("a", { href, download: fileName(artefact, "txt"), class: "plain", "aria-label": name }, "Download");
}
