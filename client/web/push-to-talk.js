// Push-to-talk: the person says by holding a key when a turn begins and ends, as the protocol has it without turn
// detection. What is held is decided here; the microphone and the connection are the caller's.

const TAIL_MS = 200; // the last word is still on its way when the key comes up, and events are quicker than sound

/** Turns of a held key. `isDown` while it is held, `open` while the microphone is heard. */
export class PushToTalk {
  #handlers;
  #timer = null;
  #committing = false;
  isDown = false;
  open = false;

  /** `handlers`: send(events), interrupt(), change(). */
  constructor(handlers) {
    this.#handlers = handlers;
  }

  press() {
    if (this.isDown) return;
    clearTimeout(this.#timer);
    this.#committing = false;
    this.isDown = this.open = true;
    this.#handlers.interrupt();
    this.#handlers.send([{ type: "input_audio_buffer.clear" }]);
    this.#handlers.change();
  }

  release() {
    if (!this.isDown) return;
    this.isDown = false;
    this.#timer = setTimeout(() => this.#end(), TAIL_MS);
    this.#handlers.change();
  }

  /** To be told of every event: a turn that was taken is answered; one without a word in it is refused, quietly. */
  follow(event) {
    if (event.type !== "input_audio_buffer.committed" || !this.#committing) return;
    this.#committing = false;
    this.#handlers.send([{ type: "response.create" }]);
  }

  #end() {
    this.open = false;
    this.#committing = true;
    this.#handlers.send([{ type: "input_audio_buffer.commit" }]);
    this.#handlers.change();
  }
}
