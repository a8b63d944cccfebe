// The page's one state, and who wants to know when it changed.

import { initialState } from "./protocol.js";

/** Holds a state; watchers run once a frame, however many events arrived. */
export class Store {
  #watchers = [];
  #scheduled = false;

  constructor() {
    this.state = initialState();
  }

  /** Calls `watcher(state)` after each change. */
  watch(watcher) {
    this.#watchers.push(watcher);
  }

  /** Replaces the state by `step(state)`. */
  update(step) {
    const next = step(this.state);
    if (next === this.state) return;
    this.state = next;
    if (this.#scheduled) return;
    this.#scheduled = true;
    // Not requestAnimationFrame: a hidden tab has no frames, but its transcript goes on.
    setTimeout(() => {
      this.#scheduled = false;
      for (const watcher of this.#watchers) watcher(this.state);
    }, 16);
  }
}
