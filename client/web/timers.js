// The timers that run, counting down.

import { element, setText } from "./dom.js";

/** "9 s", "1:05", "1:00:00": what is left until `endsAt`. */
export function remaining(endsAt, now) {
  const seconds = Math.max(0, Math.ceil((endsAt - now) / 1000));
  const two = (value) => String(value).padStart(2, "0");
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** Shows the running timers in the list `node`. */
export class TimersView {
  #node;
  #shown = [];
  #clocks = [];

  constructor(node) {
    this.#node = node;
  }

  /** Shows `timers`. */
  show(timers) {
    if (timers === this.#shown) return;
    this.#shown = timers;
    this.#clocks = timers.map(() => element("span", { class: "clock" }));
    this.#node.replaceChildren(...timers.map((timer, index) =>
      element("li", {}, this.#clocks[index], ` ${timer.label || "Timer"}`)));
    this.#node.hidden = timers.length === 0;
  }

  /** Counts down; once a frame. */
  tick(now) {
    this.#clocks.forEach((clock, index) => setText(clock, remaining(this.#shown[index].endsAt, now)));
  }
}
