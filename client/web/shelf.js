// The shelf: everything that was made or kept, under its number, to be played, kept or read.

import { element, setText } from "./dom.js";
import { download, playable } from "./files.js";
import { called, nounOf, requestFor } from "./naming.js";

/** "0:07", "1:05": how long a sound is. Pure. */
export function clock(ms) {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** "Piece · 0:42", without what its name says already. Pure. */
export function describe(artefact) {
  const { artefactKind, durationMs, name } = artefact;
  const noun = nounOf(artefact);
  const known = name.toLowerCase().includes(noun);
  return [known ? "" : `${noun[0].toUpperCase()}${noun.slice(1)}`, durationMs && artefactKind !== "text" ? clock(durationMs) : ""].filter(Boolean).join(" · ");
}

/** What the button of an artefact does now: {label, name}; null where what there is to see is there. Pure. */
export function playButton(artefact, isPlaying) {
  if (artefact.artefactKind === "image" && artefact.url) return null;
  const name = { text: "Read", image: "Show" }[artefact.artefactKind] ?? "Play";
  const label = isPlaying ? "Stop" : name;
  return { label, name: `${label} ${called(artefact).toLowerCase()}` };
}

/** A file's name from an artefact's. Pure. */
export function fileName({ number, name }, ending) {
  const plain = name.normalize("NFKD").replace(/[^\w]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 60);
  return `${number}-${plain || "artefact"}${ending ? `.${ending}` : ""}`;
}

/** "0:03 of 0:12" and the share of it, 0..1. Pure. */
export function progressOf({ at, of }) {
  return of === null ? { words: clock(at * 1000), share: 0 } : { words: `${clock(at * 1000)} of ${clock(of * 1000)}`, share: Math.min(1, at / of) };
}

/** Shows the artefacts in `list`. `handlers`: press(id), fail(words). */
export class ShelfView {
  #list;
  #empty;
  #count;
  #handlers;
  #shown = null;
  #rows = new Map(); // id -> {artefact, node, button, progress}

  constructor({ list, empty, count, ...handlers }) {
    this.#list = list;
    this.#empty = empty;
    this.#count = count;
    this.#handlers = handlers;
  }

  /** Shows `artefacts` (id -> artefact); `isPlaying(id)` tells which sound. */
  show(artefacts, isPlaying) {
    if (artefacts !== this.#shown) this.#rebuild(artefacts);
    for (const [id, { artefact, button }] of this.#rows) {
      const view = playButton(artefact, isPlaying(id));
      button.hidden = view === null;
      if (view === null) continue;
      setText(button, view.label);
      button.setAttribute("aria-label", view.name);
      button.dataset.playing = String(isPlaying(id));
    }
  }

  /** Shows how far the clip `playing` (an id, or null) is; once a frame. */
  tick(playing, progress) {
    for (const [id, row] of this.#rows) {
      row.progress.hidden = id !== playing;
      if (id !== playing) continue;
      const { words, share } = progressOf(progress);
      row.progress.firstChild.value = share;
      setText(row.progress.lastChild, words);
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
    button.addEventListener("click", () => this.#handlers.press(id));
    const progress = element("div", { class: "progress", hidden: true },
      element("progress", { max: 1, value: 0, "aria-label": `How far ${called(artefact).toLowerCase()} is` }), element("span", {}));
    const node = element("li", { class: "shelf-item", "data-kind": artefact.artefactKind },
      element("span", { class: "number", "aria-hidden": "true" }, String(artefact.number)),
      element("div", { class: "what" },
        element("p", { class: "artefact-name" }, artefact.name),
        element("p", { class: "kind" }, [describe(artefact), `say “${requestFor(artefact)}”`].filter(Boolean).join(" · "))),
      artefact.text ? element("p", { class: "quote" }, artefact.text) : null,
      artefact.artefactKind === "image" && artefact.url ? thumbnail(artefact) : null,
      element("div", { class: "actions" }, button, this.#downloadOf(artefact)),
      progress);
    return { node, button, progress };
  }

  /** A button for the server's file, or for words a link to one that the page makes. Null where there is nothing to keep. */
  #downloadOf(artefact) {
    const name = `Download ${called(artefact).toLowerCase()}`;
    if (artefact.url) {
      const button = element("button", { type: "button", class: "plain", "aria-label": name }, "Download");
      button.addEventListener("click", () => download(artefact.url, fileName(artefact)).catch((error) => this.#handlers.fail(error.message)));
      return button;
    }
    if (!artefact.text) return null;
    const href = `data:text/plain;charset=utf-8,${encodeURIComponent(`${artefact.text}\n`)}`;
    return element("a", { href, download: fileName(artefact, "txt"), class: "plain", "aria-label": name }, "Download");
  }
}

function thumbnail(artefact) {
  const image = element("img", { alt: artefact.name });
  playable(artefact.url).then((url) => (image.src = url), () => image.remove()); // the rest of the row stays of use
  return image;
}
