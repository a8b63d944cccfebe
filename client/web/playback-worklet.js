// In the audio thread: plays what the page posts, samples at the wire's rate; the message "drop" forgets it.

import { WIRE_RATE } from "./pcm.js";
import { PlaybackQueue } from "./playback.js";
import { Resampler } from "./resample.js";

class Playback extends AudioWorkletProcessor {
  #queue = new PlaybackQueue(sampleRate);
  #resampler = new Resampler(WIRE_RATE, sampleRate);

  constructor() {
    super();
    this.port.onmessage = ({ data }) => {
      if (data === "drop") this.#queue.drop();
      else this.#queue.push(this.#resampler.push(data));
    };
  }

  process(_, [[out]]) {
    this.#queue.pull(out);
    return true;
  }
}

registerProcessor("playback", Playback);
