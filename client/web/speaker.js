// The assistant's voice: an <audio> element, and the audio context that the meters listen with.

/** Plays the remote stream. `blocked` is true while the browser waits for a tap before it may be heard. */
export class Speaker {
  #audio;
  #onChange;
  #context = null;
  blocked = false;

  constructor(audio, onChange) {
    this.#audio = audio;
    this.#onChange = onChange;
  }

  /** The audio context; made on first use, because browsers complain about one made before a tap. */
  get context() {
    this.#context ??= new AudioContext({ latencyHint: "interactive" });
    return this.#context;
  }

  /** Plays `stream` from now on. */
  play(stream) {
    this.#audio.srcObject = stream;
    this.#try();
  }

  /** Falls silent. */
  stop() {
    this.#audio.srcObject = null;
    this.#block(false);
  }

  /** Plays through the loudspeaker `id`, "" for the default, where the browser lets one choose. */
  sink(id) {
    return this.#audio.setSinkId?.(id);
  }

  /** To be called in a tap or key press: what the browser held back may sound from then on. */
  unlock() {
    this.context.resume().catch(() => {}); // stays suspended: only the meters stand still
    if (this.#audio.srcObject) this.#try();
  }

  #try() {
    this.#audio.play().then(
      () => this.#block(false),
      // AbortError: a newer stream took over before this one began, which is no obstacle.
      (error) => error.name !== "AbortError" && this.#block(true),
    );
  }

  #block(value) {
    if (this.blocked === value) return;
    this.blocked = value;
    this.#onChange();
  }
}
