// Plays what has an address, one at a time, in the page itself.

/** One clip sounds at a time; `playing` is its id, or null. */
export class Clips {
  #audio = new Audio();
  #handlers;
  playing = null;

  /** `handlers`: change(), fail(id). */
  constructor(handlers) {
    this.#handlers = handlers;
    this.#audio.addEventListener("ended", () => this.stop());
  }

  /** Plays the clip `id` from its beginning. */
  play(id, url) {
    this.#audio.src = url;
    this.playing = id;
    this.#handlers.change();
    this.#audio.play().catch((error) => {
      if (error.name === "AbortError" || this.playing !== id) return; // another was chosen before it began
      this.stop();
      this.#handlers.fail(id);
    });
  }

  stop() {
    this.#audio.pause();
    this.playing = null;
    this.#handlers.change();
  }

  /** Plays through the loudspeaker `id`. */
  sink(id) {
    return this.#audio.setSinkId?.(id);
  }
}
