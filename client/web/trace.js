// The last seconds of both voices in columns of fixed time: what is remembered, and where it is on paper. Pure.

export const COLUMN_MS = 60; // ten seconds in 330 pixels
export const BANDS = 36; // of the spectrogram, a voice
const LOWEST_HZ = 90;
const HIGHEST_HZ = 8_000;
export const GAP = 4; // columns left empty ahead of the pen where it sweeps

/** How tall a column is for its loudest sample, 0..1: the root, or all but shouting would be a thin line. */
export function heightOf(peak) {
  return Math.min(1, Math.sqrt(peak));
}

/** From a spectrum of `count` bins at `rate` Hz: the [from, to) bins of each band, even in octaves. */
export function bandEdges(count, rate) {
  const hertz = (band) => LOWEST_HZ * (HIGHEST_HZ / LOWEST_HZ) ** (band / BANDS);
  const bin = (value) => Math.min(count - 1, Math.round((value / (rate / 2)) * count));
  return Array.from({ length: BANDS }, (_, band) => {
    const from = bin(hertz(band));
    return [from, Math.max(from + 1, bin(hertz(band + 1)))];
  });
}

/** The loudest of each band, from a spectrum in bytes. */
export function bandsOf(spectrum, edges, bands = new Uint8Array(BANDS)) {
  edges.forEach(([from, to], band) => {
    let most = 0;
    for (let bin = from; bin < to; bin += 1) most = Math.max(most, spectrum[bin]);
    bands[band] = most;
  });
  return bands;
}

/** Columns of the recent past, the oldest overwritten by the newest. */
export class Columns {
  #data = new Map(); // column number -> {you, assistant}

  /** `capacity`: how many are remembered. */
  constructor(capacity) {
    this.capacity = capacity;
    this.newest = null;
  }

  /** Adds the column of `now`; returns the numbers of the columns that are new, at most `capacity` of them. */
  push(now, read) {
    const number = Math.floor(now / COLUMN_MS);
    if (this.newest !== null && number <= this.newest) return [];
    const first = this.newest === null ? number : Math.max(this.newest + 1, number - this.capacity + 1);
    // Frames that come late leave a hole of one or two, which is filled; a page that was hidden leaves a gap.
    const value = read();
    const fresh = [];
    for (let at = first; at <= number; at += 1) {
      this.#data.delete(at - this.capacity);
      if (number - at < 3) this.#data.set(at, value);
      fresh.push(at);
    }
    for (const old of this.#data.keys()) {
      if (old > number - this.capacity) break;
      this.#data.delete(old);
    }
    this.newest = number;
    return fresh;
  }

  /** The column `number`, or undefined. */
  at(number) {
    return this.#data.get(number);
  }

  /** The numbers remembered, oldest first. */
  numbers() {
    return [...this.#data.keys()];
  }
}

/**
 * Where the moment `time` is, in columns from the left; null where it is not on the paper.
 *
 * Scrolling, the newest column is at the right edge. Sweeping, columns stay where they were drawn and the pen
 * goes round: nothing moves but its end.
 */
export function placeOf(time, newest, count, sweeping) {
  const column = time / COLUMN_MS;
  const age = newest + 1 - column;
  if (age > count - (sweeping ? GAP : 0) || age < 0) return null;
  return sweeping ? column % count : count - age;
}
