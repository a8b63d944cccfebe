// What the person chose, kept over a reload: names, defaults, and what is let in from storage.

import { keep, remember } from "./storage.js";

/** Every setting and its default. "" is the default device or voice. */
export const DEFAULTS = Object.freeze({
  microphone: "",
  speaker: "",
  voice: "",
  speed: 1,
  eagerness: "auto",
  pushToTalk: false,
  instructions: "",
  theme: "auto",
  view: "waveform",
  shortcuts: true,
});

const CHOICES = {
  theme: ["auto", "light", "dark"],
  view: ["waveform", "spectrogram"],
  eagerness: ["auto", "low", "medium", "high"],
};

const SPEEDS = { least: 0.25, most: 1.5 }; // the protocol's bounds
const MOST_INSTRUCTIONS = 4_000; // characters

/** The value of the setting `name` that `text` stands for; the default where it makes no sense. Pure. */
export function read(name, text) {
  const otherwise = DEFAULTS[name];
  if (text === "" || text === null) return otherwise;
  if (typeof otherwise === "boolean") return text === "true";
  if (typeof otherwise === "number") {
    const value = Number(text);
    return value >= SPEEDS.least && value <= SPEEDS.most ? value : otherwise;
  }
  if (CHOICES[name] && !CHOICES[name].includes(text)) return otherwise;
  return name === "instructions" ? text.slice(0, MOST_INSTRUCTIONS) : text;
}

/** The settings of this visitor. `values` is read like an object; `set` keeps and tells. */
export class Settings {
  #watchers = [];

  constructor() {
    this.values = Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, read(name, remember(name))]));
  }

  /** Calls `watcher(name, values)` after each change. */
  watch(watcher) {
    this.#watchers.push(watcher);
  }

  /** Changes a setting; `value` may be text as from a form. */
  set(name, value) {
    const next = read(name, String(value));
    if (next === this.values[name]) return;
    this.values = { ...this.values, [name]: next };
    keep(name, String(next));
    for (const watcher of this.#watchers) watcher(name, this.values);
  }

  /** The names of those of `names` that are not at their default. */
  changed(names) {
    return names.filter((name) => this.values[name] !== DEFAULTS[name]);
  }
}
