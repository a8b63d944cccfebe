// One place for what stands in the way: what happened, what to do, and a button for it.

import { element, setText } from "./dom.js";
import { secondsLeft } from "./retry.js";

/** Shows one message at a time in the page's banner. */
export class Banner {
  #nodes;
  #code = null;
  #retryAt = null;

  /** `nodes`: {banner, title, text, countdown, actions}. */
  constructor(nodes) {
    this.#nodes = nodes;
  }

  /**
   * Shows {code, title, text, retryAt?, actions: [{label, run}]}; null hides it.
   *
   * The same code and time again changes nothing, so that a screen reader is not told twice.
   */
  show(message) {
    const { banner, title, text, actions } = this.#nodes;
    const same = message?.code === this.#code && (message?.retryAt ?? null) === this.#retryAt;
    if (same) return;
    const repeated = message?.code === this.#code;
    this.#code = message?.code ?? null;
    this.#retryAt = message?.retryAt ?? null;
    banner.hidden = !message;
    if (!message) return;
    banner.dataset.code = message.code;
    setText(title, message.title);
    setText(text, message.text);
    this.tick(Date.now());
    if (repeated) return; // the buttons keep the focus over a retry
    actions.replaceChildren(...message.actions.map(({ label, run }) => {
      const button = element("button", { type: "button" }, label);
      button.addEventListener("click", run);
      return button;
    }));
  }

  /** Counts down to the next attempt; outside the alert, so that it is not read out each second. */
  tick(now) {
    const { countdown } = this.#nodes;
    const left = this.#retryAt === null ? null : secondsLeft(this.#retryAt, now);
    setText(countdown, left === null ? "" : left > 0 ? `Trying again in ${left} s.` : "Trying again…");
  }
}
