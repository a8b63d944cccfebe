// What the music is at: bar and beat, chords as they pass, key, tempo, instruments.

import { element } from "./dom.js";

/** Which beat (from 0) and which chord of the bar sound at `now`; the server reports once a bar. */
export function positionAt(music, now) {
  const beats = Math.max(1, music.beats);
  const passed = music.tempo > 0 ? Math.floor(((now - music.since) / 60_000) * music.tempo) : 0;
  const beat = Math.min(beats - 1, Math.max(0, passed)); // waits at the bar line rather than guess past it
  return { beat, chord: Math.floor((beat * music.chords.length) / beats) };
}

/** 1 on a beat of the music (0.5 on those that begin no bar), falling to 0 before the next; 0 without music. */
export function pulseAt(music, now) {
  if (!music?.tempo) return 0;
  const beat = 60_000 / music.tempo;
  const passed = ((now - music.since) % beat) / beat;
  return (positionAt(music, now).beat === 0 ? 1 : 0.5) * (1 - passed) ** 3;
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
  #body = element("div");

  /** `stop()` is what the button does. */
  constructor(node, stop) {
    this.#node = node;
    const button = element("button", { type: "button", class: "plain", "aria-label": "Stop the music" }, "Stop");
    button.addEventListener("click", stop);
    node.append(this.#body, button); // beside what is renewed with each bar, so that it keeps the focus
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
    this.#body.replaceChildren(
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
