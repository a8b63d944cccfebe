// When to try again, and with what: backoff with jitter, Retry-After, and a lost call's token. Pure.

export const MAX_ATTEMPTS = 8; // about two minutes of trying, then the person decides

/** Milliseconds to wait before attempt `attempt` (0 is the first retry); `random` in [0, 1) spreads clients. */
export function backoff(attempt, random = Math.random()) {
  const ceiling = Math.min(30_000, 1_000 * 2 ** attempt);
  return Math.round(ceiling * (0.75 + random * 0.25));
}

/** Milliseconds between two attempts to take a call up again: at once, and soon seldom enough. */
export function resumeDelay(round) {
  return Math.min(2_000, 200 * 2 ** round);
}

/** What it takes to take up this call again, learned from its events. */
export class Resumption {
  #token = null;
  #lastEvent = "";
  graceMs = 0;

  /** Notes what `event` says. */
  follow(event) {
    if (event.event_id) this.#lastEvent = event.event_id;
    if (event.type !== "audiogpt.session.info") return;
    this.#token = event.resume ?? null;
    this.graceMs = (event.resume_grace ?? 0) * 1000;
  }

  /** Whether the server waits for who lost this call. */
  get possible() {
    return this.#token !== null;
  }

  /** The options of `openCall`. */
  get options() {
    return { resume: this.#token, lastEvent: this.#lastEvent };
  }
}

/** Milliseconds that a Retry-After header asks for: seconds or an HTTP date; `fallback` if it says neither. */
export function retryAfter(header, now = Date.now(), fallback = 10_000) {
  const text = (header ?? "").trim();
  if (/^\d+$/.test(text)) return Math.min(Number(text), 600) * 1000;
  const at = text ? Date.parse(text) : NaN;
  return Number.isNaN(at) ? fallback : Math.min(Math.max(at - now, 0), 600_000);
}

/** Whole seconds left until `at`, never below 0. */
export function secondsLeft(at, now) {
  return Math.max(0, Math.ceil((at - now) / 1000));
}
