// The figure's geometry: the curve of a harmonograph, two circular pendulums that swing in a musical ratio
// and slowly die away. Pure; the drawing is in figure.js.
//
// Each mood is one interval of the two, turning against each other: a fifth (2:3) at rest, an octave (1:2)
// while thinking, a twelfth (1:3) while speaking, a third (4:5) while music plays, and while it listens the
// rings of a high overtone (1:5) that is hardly there. The ratios are a little out of tune: the lines drift.

/**
 * A mood: `ratio` of the second pendulum to the first (negative: it turns the other way), `share` of the
 * swing that it has (0..1), `decay` over the whole curve, `spin` in radians a second, `size` (1 fills the
 * space), `voice` how far the assistant's sound moves the line, `ink` opacity.
 */
export const MOODS = {
  idle: { ratio: -1.5035, share: 0.3, decay: 1.25, spin: 0.05, size: 0.93, voice: 0, ink: 0.85 },
  connecting: { ratio: -2.02, share: 0.3, decay: 1.2, spin: 0.9, size: 0.8, voice: 0, ink: 0.7 },
  listening: { ratio: -5.006, share: 0.07, decay: 1.5, spin: 0.1, size: 0.86, voice: 0.2, ink: 0.75 },
  hearing: { ratio: -5.012, share: 0.1, decay: 1.7, spin: 0.25, size: 0.66, voice: 0.2, ink: 0.75 },
  thinking: { ratio: -2.006, share: 0.34, decay: 1.3, spin: 1.1, size: 0.8, voice: 0.2, ink: 0.85 },
  speaking: { ratio: -3.003, share: 0.26, decay: 1.35, spin: 0.22, size: 0.88, voice: 1, ink: 1 },
  playing: { ratio: -1.2508, share: 0.3, decay: 1.3, spin: 0.3, size: 0.92, voice: 0.7, ink: 1 },
  lost: { ratio: -1.5035, share: 0.05, decay: 3.2, spin: 0.02, size: 0.6, voice: 0, ink: 0.35 },
};

export const TURNS = 34;
const STEPS_PER_TURN = 96; // below about 80 the outer turns show corners

/** The mood between `from` and `to`, after `elapsed` seconds; it gets nine tenths of the way in one second. */
export function blend(from, to, elapsed) {
  const part = 1 - Math.exp(-2.3 * elapsed);
  return Object.fromEntries(Object.keys(to).map((key) => [key, from[key] + (to[key] - from[key]) * part]));
}

/**
 * The points of the curve, from its outermost turn inwards, as x, y, x, y … within the unit circle.
 *
 * `wave` holds -1..1 samples of the voice that shakes the line, `angle` the figure's rotation in radians.
 */
export function curve(mood, angle, wave, points = new Float32Array(2 * TURNS * STEPS_PER_TURN)) {
  const count = points.length / 2;
  const first = mood.size * (1 - mood.share);
  const second = mood.size * mood.share;
  for (let index = 0; index < count; index += 1) {
    const t = index / count;
    const theta = t * TURNS * 2 * Math.PI;
    const fade = Math.exp(-mood.decay * t);
    // One sweep of the wave for each turn; a sine window hides the seam where the turn closes.
    const along = (index % STEPS_PER_TURN) / STEPS_PER_TURN;
    const sample = wave[Math.floor(along * wave.length)] * Math.sin(Math.PI * along);
    const reach = fade * (1 + mood.voice * 0.45 * sample * fade);
    points[2 * index] = reach * (first * Math.cos(theta + angle) + second * Math.cos(mood.ratio * theta - angle));
    points[2 * index + 1] = reach * (first * Math.sin(theta + angle) + second * Math.sin(mood.ratio * theta - angle));
  }
  return points;
}

/** The person's ring: a circle of `radius` that their `wave` bends by at most `gain`, closed, as x, y, x, y … */
export function ring(radius, wave, gain, points = new Float32Array(2 * 256)) {
  const count = points.length / 2;
  for (let index = 0; index < count; index += 1) {
    const along = index / count;
    const theta = along * 2 * Math.PI - Math.PI / 2;
    const sample = Math.tanh(4 * wave[Math.floor(along * wave.length)]); // soft voices are seen, loud ones stay on paper
    const reach = radius * (1 + gain * sample * Math.sin(Math.PI * along) ** 0.5);
    points[2 * index] = reach * Math.cos(theta);
    points[2 * index + 1] = reach * Math.sin(theta);
  }
  return points;
}
