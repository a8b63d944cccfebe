// In the audio thread: plays what the page posts, {samples, item} at the wire's rate. {hold: true} falls silent where
// it is, {hold: false} goes on; {drop: [items]}, or null for all, forgets them, and is answered with what was heard:
// [{item, heardMs}].

import { WIRE_RATE } from "./pcm.js";
import { PlaybackQueue } from "./playback.js";
import { Resampler } from "./resample.js";

class Playback extends AudioWorkletProcessor {
  #queue = new PlaybackQueue(sampleRate);
  #resampler = new Resampler(WIRE_RATE, sampleRate);

  constructor() {
    super();
    this.port.onmessage = ({ data }) => {
      if (data.hold === true) this.#queue.hold();
      else if (data.hold === false) this.#queue.release();
      else if (data.samples) this.#queue.push(this.#resampler.push(data.samples), data.item);
      else this.port.postMessage(this.#queue.drop(data.drop));
    };
  }

  process(_, [[out]]) {
    this.#queue.pull(out);
    return true;
  }
}

registerProcessor("playback", Playback);
