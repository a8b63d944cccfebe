// Push-to-talk: the person says by holding a key when a turn begins and ends, as the protocol has it without turn
// detection. What is held is decided here; the microphone and the connection are the caller's.

const SHORTEST_MS = 250; // less is a slip of the finger
const TAIL_MS = 200; // the last word is still on its way when the key comes up, and events are quicker than sound

/** Turns of a held key. `isDown` while it is held, `open` while the microphone is heard. */
export class PushToTalk {
  #handlers;
  #since = 0;
  #timer = null;
  #committing = false;
  isDown = false;
  open = false;

  /** `handlers`: send(events), interrupt(), change(). */
  constructor(handlers) {
    this.#handlers = handlers;
  }

  press(now = performance.now()) {
    if (this.isDown) return;
    clearTimeout(this.#timer);
    this.isDown = this.open = true;
    this.#since = now;
    this.#handlers.interrupt();
    this.#handlers.send([{ type: "input_audio_buffer.clear" }]);
    this.#handlers.change();
  }

  release(now = performance.now()) {
    if (!this.isDown) return;
    this.isDown = false;
    const slip = now - this.#since < SHORTEST_MS;
    this.#timer = setTimeout(() => this.#end(slip), slip ? 0 : TAIL_MS);
    this.#handlers.change();
  }

  /** To be told of every event: a turn that was taken is answered, one without a word in it is not. */
  follow(event) {
    if (event.type !== "input_audio_buffer.committed" || !this.#committing) return;
    this.#committing = false;
    this.#handlers.send([{ type: "response.create" }]);
  }

  #end(slip) {
    this.open = false;
    this.#committing = !slip;
    this.#handlers.send([{ type: slip ? "input_audio_buffer.clear" : "input_audio_buffer.commit" }]);
    this.#handlers.change();
  }
}
