// Plays what has an address, one at a time, in the page itself.

import { FileError, playable, release } from "./files.js";

/** One clip sounds at a time; `playing` is its id, or null. */
export class Clips {
  #audio = new Audio();
  #handlers;
  playing = null;

  /** `handlers`: change(), fail(id, why). */
  constructor(handlers) {
    this.#handlers = handlers;
    this.#audio.addEventListener("ended", () => this.stop());
  }

  /** How far the clip is: {at, of} in seconds; `of` is null where its length is not known yet. */
  get progress() {
    const { currentTime, duration } = this.#audio;
    return { at: currentTime, of: Number.isFinite(duration) && duration > 0 ? duration : null };
  }

  /** Plays the clip `id` from its beginning. */
  async play(id, url) {
    this.stop();
    this.playing = id;
    this.#handlers.change();
    try {
      const source = await playable(url);
      if (this.playing !== id) { // another was chosen meanwhile
        release(source);
        return;
      }
      this.#audio.src = source;
      await this.#audio.play();
    } catch (error) {
      if (error.name === "AbortError" || this.playing !== id) return; // another was chosen before it began
      this.stop();
      this.#handlers.fail(id, error instanceof FileError ? error.message : "The browser cannot decode it. Download it instead.");
    }
  }

  stop() {
    this.#audio.pause();
    release(this.#audio.src);
    this.playing = null;
    this.#handlers.change();
  }

  /** Plays through the loudspeaker `id`. */
  sink(id) {
    return this.#audio.setSinkId?.(id);
  }
}
