// The living figure: the assistant as a harmonograph, the person as a ring around it.

import { MOODS, blend, curve, ring } from "./harmonograph.js";

const STILL = new Float32Array(64);
const CALM_FPS = 20; // nobody sees the difference while it only turns; batteries do
const BANDS = [ // [from, to] as parts of the curve, and how much ink
  [0, 0.012, 0.25], [0.012, 0.03, 0.55], [0.03, 0.2, 0.85], [0.2, 0.4, 0.72],
  [0.4, 0.6, 0.58], [0.6, 0.8, 0.45], [0.8, 1, 0.34],
];

/** Draws on `canvas`; colours come from the style sheet (--figure, --you, --line). */
export class Figure {
  #canvas;
  #pen;
  #mood = { ...MOODS.idle };
  #angle = 0.6;
  #last = 0;
  #doing = null;
  #still = matchMedia("(prefers-reduced-motion: reduce)");
  #points = undefined;
  #ring = undefined;
  #size = 0;
  #painted = [STILL, STILL, 0, 0];

  constructor(canvas) {
    this.#canvas = canvas;
    this.#pen = canvas.getContext("2d");
    new ResizeObserver(() => this.#resize()).observe(canvas);
    this.#resize();
  }

  /** One frame: `doing` is a mood's name, `you` and `assistant` are voices, `pulse` 0..1 is the beat. */
  draw(now, doing, you, assistant, pulse) {
    const calm = you.level < 0.05 && assistant.level < 0.05 && doing !== "thinking" && doing !== "connecting";
    if (calm && doing === this.#doing && now - this.#last < 1000 / CALM_FPS) return;
    const elapsed = Math.min(0.1, (now - this.#last) / 1000);
    this.#last = now;
    this.#doing = doing;
    const target = MOODS[doing] ?? MOODS.listening;
    if (this.#still.matches) {
      this.#mood = { ...target };
      this.#paint(STILL, STILL, 0, 0);
      return;
    }
    this.#mood = blend(this.#mood, target, elapsed);
    this.#angle += this.#mood.spin * elapsed;
    this.#paint(assistant.wave, you.wave, you.level, pulse);
  }

  #resize() {
    const { clientWidth, clientHeight } = this.#canvas;
    const scale = Math.min(2, devicePixelRatio || 1); // a third pixel in each direction only costs
    this.#size = Math.min(clientWidth, clientHeight) * scale;
    this.#canvas.width = clientWidth * scale;
    this.#canvas.height = clientHeight * scale;
    // A canvas that changes size is empty until it is painted, and the next frame would be one too late.
    this.#paint(...this.#painted);
  }

  #paint(said, heard, loudness, pulse) {
    this.#painted = [said, heard, loudness, pulse];
    const pen = this.#pen;
    const style = getComputedStyle(this.#canvas);
    const radius = (this.#size / 2) * 0.94;
    const fine = Math.max(0.85, this.#size / 900);
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    pen.translate(this.#canvas.width / 2, this.#canvas.height / 2);
    pen.lineJoin = "round";

    const zoom = radius * (1 + 0.025 * pulse);
    this.#points = curve(this.#mood, this.#angle, said, this.#points);
    pen.strokeStyle = style.getPropertyValue("--figure");
    pen.lineWidth = fine * (1 + 0.5 * pulse);
    // In bands from the outermost turns inwards: the pen touches down softly, then slowly runs out of ink.
    const count = this.#points.length / 2;
    for (const [from, to, ink] of BANDS) {
      pen.globalAlpha = this.#mood.ink * ink;
      trace(pen, this.#points, Math.floor(from * count), Math.min(Math.floor(to * count) + 1, count), zoom);
    }

    const present = this.#doing !== "idle" && this.#doing !== "lost";
    this.#ring = ring(0.94, heard, 0.12, this.#ring);
    pen.globalAlpha = present ? 0.5 + 0.5 * Math.min(1, loudness * 2) : 0.6;
    pen.strokeStyle = style.getPropertyValue(present ? "--you" : "--line");
    pen.lineWidth = fine * (1.6 + 3 * loudness);
    trace(pen, this.#ring, 0, this.#ring.length / 2, radius, true);
  }
}

function trace(pen, points, from, to, radius, closed = false) {
  pen.beginPath();
  for (let index = from; index < to; index += 1) {
    pen.lineTo(points[2 * index] * radius, points[2 * index + 1] * radius);
  }
  if (closed) pen.closePath();
  pen.stroke();
}
