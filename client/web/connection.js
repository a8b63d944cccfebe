// Keeps the wish for a call and the call itself together: connects, notices failures, tries again.

import { Call } from "./call.js";
import { MAX_ATTEMPTS, backoff } from "./retry.js";
import { CallFailure, unreachable } from "./failures.js";

const STABLE_MS = 30_000; // a call that lived this long starts the backoff anew when it drops

/**
 * A wish for a call, kept. Its `phase` is one of
 * {name: "idle"}, {name: "connecting", attempt, failure}, {name: "live", steady},
 * {name: "waiting", failure, attempt, retryAt}, {name: "failed", failure}.
 */
export class Connection {
  #handlers;
  #call = null;
  #abort = null;
  #timer = null;
  #track = null;

  /** `handlers`: phase(phase), event(object), stream(MediaStream). */
  constructor(handlers) {
    this.#handlers = handlers;
    this.phase = { name: "idle" };
    window.addEventListener("online", () => this.phase.name === "waiting" && this.retryNow());
    window.addEventListener("pagehide", () => this.stop());
  }

  /** Calls, with the microphone `track` or without (null). */
  start(track) {
    this.#track = track;
    return this.#attempt(0);
  }

  /** Hangs up, or stops trying. */
  stop() {
    this.#drop();
    this.#enter({ name: "idle" });
  }

  /** Tries again now instead of at the end of the countdown. */
  retryNow() {
    return this.#attempt(this.phase.attempt ?? 0);
  }

  /** Changes the microphone of this call and of those that replace it. */
  async setTrack(track) {
    this.#track = track;
    await this.#call?.setTrack(track);
  }

  /** Sends events; they are dropped unless the phase is "live". */
  send(events) {
    this.#call?.send(events);
  }

  #enter(phase) {
    this.phase = phase;
    this.#handlers.phase(phase);
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.#call?.close();
    this.#abort = this.#call = null;
  }

  async #attempt(attempt) {
    this.#drop();
    const abort = (this.#abort = new AbortController());
    // A retry still carries what made it needed, so that the page can go on showing it.
    this.#enter({ name: "connecting", attempt, failure: attempt > 0 ? this.phase.failure : null });
    let since = Date.now();
    const handlers = {
      event: this.#handlers.event,
      stream: this.#handlers.stream,
      network: (steady) => this.phase.name === "live" && this.#enter({ name: "live", steady }),
      end: (failure) => this.#fail(failure, Date.now() - since > STABLE_MS ? 0 : attempt),
    };
    try {
      const call = await Call.open(this.#track, handlers, abort.signal);
      if (abort.signal.aborted) return call.close();
      this.#call = call;
      await call.setTrack(this.#track); // it may have changed meanwhile
    } catch (error) {
      if (abort.signal.aborted) return undefined;
      if (!(error instanceof CallFailure)) console.error(error);
      return this.#fail(error instanceof CallFailure ? error : unreachable(), attempt);
    }
    since = Date.now();
    return this.#enter({ name: "live", steady: true });
  }

  #fail(failure, attempt) {
    this.#drop();
    if (failure.retry !== "auto" || attempt >= MAX_ATTEMPTS) {
      this.#enter({ name: "failed", failure });
      return;
    }
    const wait = failure.after ?? backoff(attempt);
    this.#enter({ name: "waiting", failure, attempt: attempt + 1, retryAt: Date.now() + wait });
    this.#timer = setTimeout(() => this.retryNow(), wait);
  }
}
