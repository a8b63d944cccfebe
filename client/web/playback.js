// What waits to be heard of a voice that comes over a WebSocket: a buffer that adapts to how evenly it comes.
// Pure; runs in the audio worklet. Times are in seconds of audio.

export const START = 0.08; // buffered before a stretch of sound begins: four pieces of the server's
const GROW = 0.04; // more after each time it ran dry in the middle of a stretch
const SHRINK = 0.02; // less after each CALM without that
const MOST = 0.4;
const CALM = 10;
const MIDDLE = 0.25; // what comes within this time of running dry belonged to the same stretch
const FADE = 0.003; // at both ends of a stretch

/** Samples in (`push`), samples out (`pull`), mono Float32Array at `rate` Hz. */
export class PlaybackQueue {
  #rate;
  #pieces = [];
  #buffered = 0;
  #playing = false;
  #waited = 0; // since the first sample of this stretch came
  #dry = Infinity; // since the last stretch ran out
  #calm = 0;
  #fadingIn = 0; // samples still to fade in
  target = START;

  constructor(rate) {
    this.#rate = rate;
  }

  /** Seconds waiting to be heard. */
  get buffered() {
    return this.#buffered / this.#rate;
  }

  push(samples) {
    if (!this.#playing && this.#buffered === 0) {
      if (this.#dry < MIDDLE) this.target = Math.min(MOST, this.target + GROW);
      this.#waited = 0;
    }
    this.#pieces.push(samples);
    this.#buffered += samples.length;
  }

  /** Forgets what was not heard yet: the assistant was interrupted. */
  drop() {
    // The fade of what sounds at this moment is taken from what was to follow.
    const tail = this.#playing ? this.#take(Math.min(this.#buffered, this.#fade)) : new Float32Array(0);
    this.#pieces = [];
    this.#buffered = 0;
    if (tail.length) this.push(faded(tail));
    this.#dry = Infinity;
  }

  /** Fills `out`. */
  pull(out) {
    const elapsed = out.length / this.#rate;
    if (!this.#playing && this.#buffered > 0) {
      this.#waited += elapsed;
      if (this.#waited >= this.target) {
        this.#playing = true;
        this.#fadingIn = this.#fade;
      }
    }
    if (!this.#playing) {
      this.#dry += elapsed;
      out.fill(0);
      return;
    }
    this.#calm += elapsed;
    if (this.#calm >= CALM) {
      this.#calm = 0;
      this.target = Math.max(START, this.target - SHRINK);
    }
    const last = this.#buffered <= out.length;
    const piece = this.#take(Math.min(out.length, this.#buffered));
    if (last) {
      faded(piece.subarray(Math.max(0, piece.length - this.#fade)));
      this.#playing = false;
      this.#dry = this.#calm = 0;
    }
    for (let index = 0; index < piece.length && this.#fadingIn > 0; index++) {
      piece[index] *= 1 - this.#fadingIn-- / this.#fade;
    }
    out.fill(0);
    out.set(piece);
  }

  get #fade() {
    return Math.round(FADE * this.#rate);
  }

  #take(count) {
    const out = new Float32Array(count);
    let filled = 0;
    while (filled < count) {
      const piece = this.#pieces[0];
      const part = piece.subarray(0, count - filled);
      out.set(part, filled);
      filled += part.length;
      if (part.length === piece.length) this.#pieces.shift();
      else this.#pieces[0] = piece.subarray(part.length);
    }
    this.#buffered -= count;
    return out;
  }
}

/** Fades `samples` out, in place. */
function faded(samples) {
  for (let index = 0; index < samples.length; index++) samples[index] *= 1 - (index + 1) / samples.length;
  return samples;
}
