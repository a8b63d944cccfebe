// In the audio thread: the microphone in pieces of 20 ms at the wire's rate.

import { WIRE_RATE } from "./pcm.js";
import { Resampler } from "./resample.js";

const PIECE = WIRE_RATE / 50;

class Capture extends AudioWorkletProcessor {
  #resampler = new Resampler(sampleRate, WIRE_RATE);
  #piece = new Float32Array(PIECE);
  #filled = 0;

  process([[input]]) {
    if (!input) return true; // the microphone is not connected yet
    for (const sample of this.#resampler.push(input)) {
      this.#piece[this.#filled++] = sample;
      if (this.#filled < PIECE) continue;
      this.port.postMessage(this.#piece, [this.#piece.buffer]);
      this.#piece = new Float32Array(PIECE);
      this.#filled = 0;
    }
    return true;
  }
}

registerProcessor("capture", Capture);
