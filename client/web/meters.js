// How loud the two voices are.

const FLOOR_DB = -60; // what a meter shows as nothing
const FALL_PER_S = 1.6; // a meter rises at once and falls in about half a second, as the eye likes it

/** The loudness of `samples` (-1..1) as a meter position, 0..1, linear in decibels. */
export function position(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const db = 10 * Math.log10(sum / samples.length + 1e-12);
  return Math.min(1, Math.max(0, 1 - db / FLOOR_DB));
}

/** The next position of a falling meter: `elapsed` in seconds since `last`. */
export function falling(last, target, elapsed) {
  return Math.max(target, last - FALL_PER_S * elapsed);
}

/** One voice: its wave now and its meter. */
export class Voice {
  #analyser = null;
  #source = null;
  #bar;
  #node;
  #told = 0;
  #spectrum = null;
  wave = new Float32Array(2048); // 43 ms at 48 kHz: a column of the trace, and bands that a voice has
  level = 0;

  constructor(node) {
    this.#node = node;
    this.#bar = node.firstElementChild;
  }

  /** Listens to `stream`; null silences the meter. */
  listen(context, stream) {
    this.#source?.disconnect();
    this.#source = this.#analyser = null;
    this.wave.fill(0);
    if (!stream?.getAudioTracks().length) return;
    this.#analyser = new AnalyserNode(context, { fftSize: this.wave.length, smoothingTimeConstant: 0 });
    this.#source = context.createMediaStreamSource(stream);
    this.#source.connect(this.#analyser);
  }

  /** The loudest sample of the wave, 0..1. */
  get peak() {
    let most = 0;
    for (const sample of this.wave) most = Math.max(most, Math.abs(sample));
    return most;
  }

  /** Samples a second of the wave; null without a voice. */
  get rate() {
    return this.#analyser?.context.sampleRate ?? null;
  }

  /** The spectrum now in bytes, linear in decibels; null without a voice. */
  spectrum() {
    if (!this.#analyser) return null;
    this.#spectrum ??= new Uint8Array(this.#analyser.frequencyBinCount);
    this.#analyser.getByteFrequencyData(this.#spectrum);
    return this.#spectrum;
  }

  /** Measures and shows; once a frame. */
  update(now, elapsed) {
    this.#analyser?.getFloatTimeDomainData(this.wave);
    this.level = falling(this.level, this.#analyser ? position(this.wave) : 0, elapsed);
    this.#bar.style.transform = `scaleX(${this.level.toFixed(3)})`;
    if (now - this.#told > 500) {
      this.#told = now;
      this.#node.setAttribute("aria-valuenow", String(Math.round(this.level * 100)));
    }
  }
}
