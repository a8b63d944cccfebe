// Audio from one sample rate to another, piece by piece. Pure; used in the audio worklets.

const ZERO_CROSSINGS = 8; // to each side, at the lower of the two rates
const PHASES = 256; // nearest of these: noise 60 dB down at the worst rates, none at 2:1
const PASS = 0.92; // of the lower rate's band; the rest is for the filter's slope

/** A stream of mono samples (Float32Array) at `from` Hz, given out at `to` Hz, some 0.4 ms later. */
export class Resampler {
  #step;
  #half;
  #kernels;
  #data;
  #position = 0;

  constructor(from, to) {
    const cutoff = Math.min(1, to / from) * PASS;
    this.#step = from / to;
    this.#half = Math.ceil(ZERO_CROSSINGS / cutoff);
    this.#kernels = Array.from({ length: PHASES + 1 }, (_, phase) => kernel(this.#half, cutoff, phase / PHASES));
    this.#data = new Float32Array(2 * this.#half - 1);
  }

  /** The samples that `input` completes. */
  push(input) {
    const data = new Float32Array(this.#data.length + input.length);
    data.set(this.#data);
    data.set(input, this.#data.length);
    const taps = 2 * this.#half;
    const out = new Float32Array(Math.max(0, Math.ceil((data.length - taps + 1 - this.#position) / this.#step)));
    for (let index = 0; index < out.length; index++) {
      const at = Math.floor(this.#position);
      const weights = this.#kernels[Math.round((this.#position - at) * PHASES)];
      let sum = 0;
      for (let tap = 0; tap < taps; tap++) sum += weights[tap] * data[at + tap];
      out[index] = sum;
      this.#position += this.#step;
    }
    const used = Math.min(Math.floor(this.#position), data.length);
    this.#data = data.slice(used);
    this.#position -= used;
    return out;
  }
}

/** A windowed sinc (Hann) around tap `half - 1 + shift`, its sum 1. */
function kernel(half, cutoff, shift) {
  const weights = Float32Array.from({ length: 2 * half }, (_, tap) => {
    const x = tap - (half - 1) - shift;
    const window = 0.5 + 0.5 * Math.cos((Math.PI * x) / half);
    const sinc = x === 0 ? 1 : Math.sin(Math.PI * cutoff * x) / (Math.PI * cutoff * x);
    return Math.abs(x) >= half ? 0 : window * sinc;
  });
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}
