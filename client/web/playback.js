// What waits to be heard of a voice that comes over a WebSocket: a buffer that adapts to how evenly it comes, and
// knows how much of each item was heard. Pure; runs in the audio worklet. Times are in seconds of audio.

export const START = 0.08; // buffered before a stretch of sound begins: four pieces of the server's
const GROW = 0.04; // more after each time it ran dry in the middle of a stretch
const SHRINK = 0.02; // less after each CALM without that
const MOST = 0.4;
const CALM = 10;
const MIDDLE = 0.25; // what comes within this time of running dry belonged to the same stretch
const FADE = 0.003; // at both ends of a stretch
const FALLING = 0.06; // after `hold`: the frame in which the server's own voice fades, and one that was on its way
const REMEMBERED = 8; // items of which it is known how much was heard; at most two sound in one buffer

/** Samples in (`push`), samples out (`pull`), mono Float32Array at `rate` Hz. */
export class PlaybackQueue {
  #rate;
  #pieces = []; // {samples, item}
  #buffered = 0;
  #playing = false;
  #held = false;
  #heldFor = 0;
  #waited = 0; // since the first sample of this stretch came
  #dry = Infinity; // since the last stretch ran out
  #calm = 0;
  #fadingIn = 0; // samples still to fade in
  #heard = new Map(); // item -> samples of it that left
  #dropped = new Set(); // items of which nothing more is to be heard
  target = START;

  constructor(rate) {
    this.#rate = rate;
  }

  /** Seconds waiting to be heard. */
  get buffered() {
    return this.#buffered / this.#rate;
  }

  /** Takes samples of `item`; those of one that was dropped are left out. */
  push(samples, item = "") {
    if (this.#dropped.has(item)) return;
    if (this.#heldFor > FALLING) this.release(); // the server goes on
    if (!this.#heard.has(item)) remember(this.#heard, item, 0);
    if (!this.#playing && this.#buffered === 0) {
      if (this.#dry < MIDDLE) this.target = Math.min(MOST, this.target + GROW);
      this.#waited = 0;
    }
    this.#pieces.push({ samples, item });
    this.#buffered += samples.length;
  }

  /** Falls silent where it is, until more comes: somebody speaks, and the server sends nothing meanwhile. */
  hold() {
    this.#held = true;
    this.#heldFor = 0;
  }

  /** Goes on where it fell silent. */
  release() {
    this.#held = false;
    this.#heldFor = 0;
  }

  /**
   * Forgets what was not heard yet of `items`, and all that comes after; null: of everything that is known. Nothing
   * happens where none of it waits or is still coming.
   *
   * Gives what was heard of the items that lost something: [{item, heardMs}].
   */
  drop(items = null) {
    const named = (item) => items === null || items.includes(item);
    const lost = new Set(this.#pieces.map(({ item }) => item).filter((item) => item !== null && named(item)));
    for (const item of [...this.#heard.keys()].filter(named)) remember(this.#dropped, item);
    if (lost.size === 0) return [];
    // The fade of what sounds at this moment is taken from what was to follow.
    const tail = this.#playing ? this.#take(Math.min(this.#buffered, this.#fade)) : new Float32Array(0);
    const cut = [...lost].map((item) => ({ item, heardMs: Math.floor((this.#heard.get(item) * 1000) / this.#rate) }));
    this.#pieces = tail.length ? [{ samples: faded(tail), item: null }] : [];
    this.#buffered = tail.length;
    this.release();
    this.#dry = Infinity;
    return cut;
  }

  /** Fills `out`. */
  pull(out) {
    const elapsed = out.length / this.#rate;
    if (this.#held) this.#heldFor += elapsed;
    if (this.#held && this.#playing) {
      out.fill(0);
      out.set(faded(this.#take(Math.min(this.#buffered, this.#fade, out.length))));
      this.#playing = false;
      this.#waited = this.target; // nothing more to wait for when it goes on
      return;
    }
    if (!this.#held && !this.#playing && this.#buffered > 0) {
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
      const { samples, item } = this.#pieces[0];
      const part = samples.subarray(0, count - filled);
      out.set(part, filled);
      filled += part.length;
      if (this.#heard.has(item)) this.#heard.set(item, this.#heard.get(item) + part.length);
      if (part.length === samples.length) this.#pieces.shift();
      else this.#pieces[0] = { samples: samples.subarray(part.length), item };
    }
    this.#buffered -= count;
    return out;
  }
}

/** Adds to a Map or a Set of the most recent few. */
function remember(known, key, value) {
  if (known instanceof Map) known.set(key, value);
  else known.add(key);
  if (known.size > REMEMBERED) known.delete(known.keys().next().value);
}

/** Fades `samples` out, in place. */
function faded(samples) {
  for (let index = 0; index < samples.length; index++) samples[index] *= 1 - (index + 1) / samples.length;
  return samples;
}
