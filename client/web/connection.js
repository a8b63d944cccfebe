// Keeps the wish for a call and the call itself together: connects, notices failures, takes the call up again
// where the network dropped it, and begins a new one where that cannot be.

import { openCall } from "./call.js";
import { CallFailure, dropped, unreachable } from "./failures.js";
import { MAX_ATTEMPTS, Resumption, backoff, resumeDelay } from "./retry.js";

const STABLE_MS = 30_000; // a call that lived this long starts the backoff anew when it drops

/**
 * A wish for a call, kept. Its `phase` is one of
 * {name: "idle"}, {name: "connecting", attempt, failure, resuming}, {name: "live", steady, via, resumed},
 * {name: "waiting", failure, attempt, retryAt}, {name: "failed", failure}.
 *
 * While `resuming` the conversation goes on: what is shown of it stays as it is.
 */
export class Connection {
  #handlers;
  #call = null;
  #abort = null;
  #timer = null;
  #track = null;
  #resumption = new Resumption();
  #socket; // WebRTC does not get through here, or is not wanted

  /** `handlers`: phase(phase), event(object), sent(object), stream(MediaStream), audio() -> AudioContext. */
  constructor(handlers, { socket = false } = {}) {
    this.#handlers = handlers;
    this.#socket = socket;
    this.phase = { name: "idle" };
    window.addEventListener("offline", () => this.#steady(false));
    window.addEventListener("online", () => this.#online());
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

  /** A promise of the browser's statistics of the call; null where there is none. */
  stats() {
    return this.#call?.stats() ?? Promise.resolve(null);
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

  #steady(steady) {
    if (this.phase.name === "live") this.#enter({ ...this.phase, steady });
  }

  /** The network is back, or is another one: the addresses of before need not be valid any more. */
  #online() {
    if (this.phase.name === "waiting") this.retryNow();
    else if (this.phase.resuming || (this.phase.name === "live" && !this.phase.steady)) this.#lost(dropped(), 0);
  }

  async #attempt(attempt) {
    this.#drop();
    this.#resumption = new Resumption();
    const abort = (this.#abort = new AbortController());
    // A retry still carries what made it needed, so that the page can go on showing it.
    this.#enter({ name: "connecting", attempt, failure: attempt > 0 ? this.phase.failure : null });
    try {
      await this.#open(abort.signal, attempt, {});
    } catch (error) {
      if (!abort.signal.aborted) this.#fail(asFailure(error), attempt);
    }
  }

  /** Opens a call; it becomes the one of this connection in place of the one there is. */
  async #open(signal, attempt, options) {
    let since = Date.now();
    const handlers = {
      ...this.#handlers,
      event: (event) => {
        if (signal.aborted) return;
        this.#resumption.follow(event);
        this.#handlers.event(event);
      },
      network: (steady) => !signal.aborted && this.#steady(steady),
      end: (failure) => {
        if (!signal.aborted) this.#lost(failure, Date.now() - since > STABLE_MS ? 0 : attempt);
      },
    };
    const call = await openCall(this.#track, handlers, signal, { socket: this.#socket, ...options });
    if (signal.aborted) {
      if (options.resume) call.retire();
      else call.close();
      return;
    }
    this.#call?.retire();
    this.#call = call;
    this.#socket ||= call.via === "websocket"; // not to wait for WebRTC in vain again
    await call.setTrack(this.#track); // it may have changed meanwhile
    since = Date.now();
    this.#enter({ name: "live", steady: true, via: call.via, resumed: "resume" in options });
  }

  /** The network dropped the call: take it up again for as long as the server waits. */
  async #lost(failure, attempt) {
    if (!this.#resumption.possible) {
      this.#fail(failure, attempt);
      return;
    }
    // The lost call is kept until another has taken its place: closing it would say goodbye.
    this.#abort?.abort();
    const { signal } = (this.#abort = new AbortController());
    const until = Date.now() + this.#resumption.graceMs;
    this.#enter({ name: "connecting", attempt: 0, failure: null, resuming: true });
    for (let round = 0; !signal.aborted; round++) {
      try {
        await this.#open(signal, attempt, this.#resumption.options);
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (error.code === "gone") {
          this.#attempt(0);
          return;
        }
        if (Date.now() > until) {
          this.#fail(asFailure(error), attempt);
          return;
        }
      }
      await new Promise((resolve) => setTimeout(resolve, resumeDelay(round)));
    }
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

function asFailure(error) {
  if (error instanceof CallFailure) return error;
  console.error(error);
  return unreachable();
}
