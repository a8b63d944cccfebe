// What the music is at: bar and beat, chords as they pass, key, tempo, instruments.

import { element } from "./dom.js";

/** Which beat (from 0) and which chord of the bar sound at `now`; the server reports once a bar. */
export function positionAt(music, now) {
  const beats = Math.max(1, music.beats);
  const passed = music.tempo > 0 ? Math.floor(((now - music.since) / 60_000) * music.tempo) : 0;
  const beat = Math.min(beats - 1, Math.max(0, passed)); // waits at the bar line rather than guess past it
  return { beat, chord: Math.floor((beat * music.chords.length) / beats) };
}

/** The facts line: "A minor · 70 bpm · verse · piano, cello". */
export function facts(music) {
  const tempo = music.tempo > 0 && `${Math.round(music.tempo)} bpm`;
  return [music.key, tempo, music.section, music.instruments.join(", ")].filter(Boolean).join(" · ");
}

/** Shows the music in `node` and counts its beats. */
export class MusicView {
  #node;
  #shown = null;
  #parts = {};

  constructor(node) {
    this.#node = node;
  }

  /** Shows `music`, or hides the line when it is null. */
  show(music) {
    this.#node.hidden = !music;
    if (!music) this.#shown = null;
    if (!music || music === this.#shown) return;
    this.#shown = music;
    const beats = Array.from({ length: music.beats }, () => element("i"));
    const chords = music.chords.map((chord) => element("li", {}, chord));
    this.#parts = { beats, chords, bar: element("span", { class: "bar" }, `Bar ${music.bar}`) };
    this.#node.replaceChildren(
      element("p", { class: "music-name" }, music.name || "Music"),
      element("div", { class: "music-bar" },
        this.#parts.bar,
        element("span", { class: "beats", "aria-hidden": "true" }, ...beats),
        element("ul", { class: "chords", "aria-label": "Chords of this bar" }, ...chords)),
      element("p", { class: "music-facts" }, facts(music)),
    );
  }

  /** Marks the beat that sounds; once a frame. */
  tick(now) {
    if (!this.#shown) return;
    const { beat, chord } = positionAt(this.#shown, now);
    this.#parts.beats.forEach((dot, index) => dot.classList.toggle("on", index === beat));
    this.#parts.chords.forEach((item, index) => item.classList.toggle("on", index === chord));
  }
}
