// The strip under the figure: both voices as they go by, the person's above the line, the assistant's below, and
// what happened where they spoke at once.

import { OUTCOMES } from "./barge-in.js";
import { BANDS, COLUMN_MS, Columns, GAP, bandEdges, bandsOf, heightOf, placeOf } from "./trace.js";

const CAPACITY = 600; // columns: 36 s, wider than any strip
const SWEEP_MS = 500; // between two looks where motion is not wanted
const LABEL_PX = 11;

/** Draws on `canvas`; colours come from the style sheet. `you` and `assistant` are voices. */
export class TraceView {
  #canvas;
  #pen;
  #ring = document.createElement("canvas"); // each column is drawn once, at its number modulo the width
  #ink = this.#ring.getContext("2d");
  #columns = new Columns(CAPACITY);
  #voices;
  #view = "waveform";
  #colours = {};
  #edges = null;
  #count = 0;
  #pitch = 3;
  #looked = 0;
  #peaks = { you: 0, assistant: 0 }; // since the last column
  #calm = matchMedia("(prefers-reduced-motion: reduce)");

  constructor(canvas, you, assistant) {
    this.#canvas = canvas;
    this.#pen = canvas.getContext("2d");
    this.#voices = { you, assistant };
    new ResizeObserver(() => this.restyle()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.restyle());
    this.#calm.addEventListener("change", () => this.restyle());
  }

  /** Shows "waveform" or "spectrogram". */
  show(view) {
    this.#view = view;
    this.restyle();
  }

  /** Draws everything anew: the size or the colours changed. */
  restyle() {
    const { clientWidth, clientHeight } = this.#canvas;
    if (!clientWidth || !clientHeight) return; // it is not shown, as on paper
    const scale = Math.min(2, devicePixelRatio || 1);
    const style = getComputedStyle(this.#canvas);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    this.#colours = { you: colour("you"), it: colour("it"), line: colour("line"), ink: colour("ink"), paper: colour("paper") };
    this.#pitch = clientWidth < 420 ? 2 : 3;
    this.#count = Math.max(GAP + 1, Math.floor(clientWidth / this.#pitch));
    this.#canvas.width = clientWidth * scale;
    this.#ring.width = this.#count * this.#pitch * scale;
    this.#canvas.height = this.#ring.height = clientHeight * scale;
    this.#ink.setTransform(scale, 0, 0, scale, 0, 0);
    const rest = clientWidth - this.#count * this.#pitch; // less than a column, left of the oldest
    this.#pen.setTransform(scale, 0, 0, scale, rest * scale, 0);
    for (const number of this.#columns.numbers()) this.#column(number);
    this.#paint([], Date.now());
  }

  /** One frame at wall time `now`; `marks` are those of barge-in.js. Nothing is drawn until a column is full. */
  draw(now, marks) {
    const sweeping = this.#calm.matches;
    for (const [who, voice] of Object.entries(this.#voices)) this.#peaks[who] = Math.max(this.#peaks[who], voice.peak);
    const fresh = this.#columns.push(now, () => this.#read());
    if (this.#count > 0) for (const number of fresh) this.#column(number);
    if (fresh.length === 0 || this.#count === 0 || (sweeping && now - this.#looked < SWEEP_MS)) return;
    this.#looked = now;
    this.#paint(marks, now);
  }

  #read() {
    const { you, assistant } = this.#voices;
    const column = this.#peaks;
    this.#peaks = { you: 0, assistant: 0 };
    if (this.#view === "spectrogram") {
      column.yourBands = this.#bands(you);
      column.itsBands = this.#bands(assistant);
    }
    return column;
  }

  #bands(voice) {
    const spectrum = voice.spectrum();
    if (!spectrum) return null;
    this.#edges ??= bandEdges(spectrum.length, voice.rate);
    return bandsOf(spectrum, this.#edges);
  }

  #column(number) {
    const ink = this.#ink;
    const height = this.#canvas.clientHeight;
    const middle = height / 2;
    const x = (number % this.#count) * this.#pitch;
    const ahead = this.#calm.matches ? GAP : 0;
    ink.clearRect(x, 0, this.#pitch * (1 + ahead), height);
    const column = this.#columns.at(number);
    if (!column) return;
    const wide = this.#pitch - (this.#pitch > 2 ? 1 : 0.6);
    if (this.#view === "spectrogram" && "yourBands" in column) {
      this.#spectrum(x, middle, -1, column.yourBands, this.#colours.you);
      this.#spectrum(x, middle, 1, column.itsBands, this.#colours.it);
      return;
    }
    const reach = middle - 2;
    ink.fillStyle = this.#colours.you;
    const up = heightOf(column.you) * reach;
    ink.fillRect(x, middle - 0.5 - up, wide, up);
    ink.fillStyle = this.#colours.it;
    ink.fillRect(x, middle + 0.5, wide, heightOf(column.assistant) * reach);
  }

  #spectrum(x, middle, direction, bands, colour) {
    if (!bands) return;
    const ink = this.#ink;
    const step = (middle - 1) / BANDS;
    ink.fillStyle = colour;
    bands.forEach((loud, band) => {
      if (loud < 24) return; // a tenth of the range: the room
      ink.globalAlpha = (loud / 255) ** 1.6;
      ink.fillRect(x, middle + direction * (1 + (band + (direction < 0 ? 1 : 0)) * step), this.#pitch, step + 0.3);
    });
    ink.globalAlpha = 1;
  }

  #paint(marks, now) {
    const pen = this.#pen;
    const width = this.#count * this.#pitch;
    const height = this.#canvas.clientHeight;
    const newest = this.#columns.newest ?? 0;
    const sweeping = this.#calm.matches;
    const place = (time) => {
      const at = placeOf(time, newest, this.#count, sweeping);
      return at === null ? null : at * this.#pitch;
    };
    pen.clearRect(0, 0, width, height);
    for (const mark of marks) this.#band(mark, place, now, height);
    pen.fillStyle = this.#colours.line;
    pen.fillRect(0, height / 2 - 0.5, width, 1);
    this.#blit(sweeping ? 0 : (newest + 1) % this.#count, width, height);
    if (sweeping) {
      pen.fillStyle = this.#colours.ink;
      pen.fillRect(((newest + 1) % this.#count) * this.#pitch, 0, 1, height);
    }
    for (const mark of marks) this.#label(mark, place, width, height);
  }

  /** The ring, cut open at column `head`. */
  #blit(head, width, height) {
    const scale = this.#ring.width / width;
    const cut = head * this.#pitch;
    if (cut < width) this.#pen.drawImage(this.#ring, cut * scale, 0, (width - cut) * scale, height * scale, 0, 0, width - cut, height);
    if (cut > 0) this.#pen.drawImage(this.#ring, 0, 0, cut * scale, height * scale, width - cut, 0, cut, height);
  }

  /** The time in which both spoke. */
  #band(mark, place, now, height) {
    const end = Math.min(now, mark.outcome === "stopped" ? mark.settledAt : (mark.until ?? now));
    for (let time = mark.at; time < end; time += COLUMN_MS) {
      const x = place(time);
      if (x === null) continue;
      this.#pen.globalAlpha = 0.2;
      this.#pen.fillStyle = this.#colours.you;
      this.#pen.fillRect(x, 0, this.#pitch, height);
    }
    this.#pen.globalAlpha = 1;
  }

  #label(mark, place, width, height) {
    if (!mark.outcome) return;
    const x = place(mark.settledAt);
    if (x === null) return;
    const pen = this.#pen;
    const stopped = mark.outcome === "stopped";
    pen.fillStyle = stopped ? this.#colours.you : this.#colours.ink;
    if (stopped) pen.fillRect(x, 0, 1.5, height);
    pen.font = `600 ${LABEL_PX}px system-ui, sans-serif`;
    const words = OUTCOMES[mark.outcome](mark.text);
    const long = pen.measureText(words).width;
    const left = Math.max(0, Math.min(x + 5, width - long - 3));
    const y = stopped ? height - 4 : LABEL_PX;
    pen.globalAlpha = 0.85;
    pen.fillStyle = this.#colours.paper;
    pen.fillRect(left - 2, y - LABEL_PX + 1, long + 4, LABEL_PX + 2);
    pen.globalAlpha = 1;
    pen.fillStyle = stopped ? this.#colours.you : this.#colours.ink;
    pen.fillText(words, left, y);
  }
}
