// How good the connection is, from the browser's statistics of it.

import { element, setText } from "./dom.js";

const EVERY_MS = 2_000;
const GRADES = ["unknown", "poor", "fair", "good"];

/** The figures of one getStats() report that quality is made of. Pure. */
export function figures(report) {
  const entries = [...report.values()];
  const of = (type, condition = () => true) => entries.find((entry) => entry.type === type && condition(entry));
  const transport = of("transport");
  const pair = entries.find(({ id }) => id && id === transport?.selectedCandidatePairId)
    ?? of("candidate-pair", ({ nominated, state }) => nominated && state === "succeeded");
  const local = entries.find(({ id }) => id && id === pair?.localCandidateId);
  const audio = of("inbound-rtp", ({ kind }) => kind === "audio");
  return {
    roundTrip: pair?.currentRoundTripTime ?? null, // s
    relayed: local?.candidateType === "relay",
    protocol: local?.protocol ?? null,
    lost: audio?.packetsLost ?? 0,
    received: audio?.packetsReceived ?? 0,
    buffered: audio?.jitterBufferDelay ?? 0, // s, summed over the samples emitted
    emitted: audio?.jitterBufferEmittedCount ?? 0,
  };
}

/** What happened between two figures: {roundTripMs, lossPercent, bufferMs, grade}; null is unknown. Pure. */
export function qualityBetween(before, after) {
  const roundTripMs = after.roundTrip === null ? null : Math.round(after.roundTrip * 1000);
  const lost = Math.max(0, after.lost - before.lost);
  const all = lost + after.received - before.received;
  const lossPercent = all > 0 ? (lost / all) * 100 : null;
  const emitted = after.emitted - before.emitted;
  const bufferMs = emitted > 0 ? Math.round(((after.buffered - before.buffered) / emitted) * 1000) : null;
  return { roundTripMs, lossPercent, bufferMs, grade: gradeOf(roundTripMs, lossPercent) };
}

/** 3 good, 2 fair, 1 poor, 0 unknown. Above 150 ms a conversation drags (ITU-T G.114), above 5 % loss words go. */
function gradeOf(roundTripMs, lossPercent) {
  if (roundTripMs === null && lossPercent === null) return 0;
  const [trip, loss] = [roundTripMs ?? 0, lossPercent ?? 0];
  if (trip > 400 || loss > 5) return 1;
  return trip > 150 || loss > 1 ? 2 : 3;
}

/** The rows of the table: [name, value]. Pure. */
export function rowsOf(via, quality, figure) {
  if (via === "websocket") return [["Carried by", "WebSocket (TCP)"]];
  const unit = (value, suffix, digits = 0) => (value === null || value === undefined ? "–" : `${value.toFixed(digits)} ${suffix}`);
  const path = figure?.protocol ? ` (${figure.protocol.toUpperCase()}${figure.relayed ? ", relayed" : ""})` : "";
  return [
    ["Carried by", `WebRTC${path}`],
    ["Round trip", unit(quality?.roundTripMs, "ms")],
    ["Lost", unit(quality?.lossPercent, "%", 1)],
    ["Jitter buffer", unit(quality?.bufferMs, "ms")],
  ];
}

/** Measures the call now and then, and shows it on `button` (three bars) and in the table `rows`. */
export class QualityView {
  #button;
  #rows;
  #stats;
  #last = null;
  #via = null;

  /** `stats()` gives a promise of a getStats() report, or null without one. */
  constructor({ button, rows, stats }) {
    this.#button = button;
    this.#rows = rows;
    this.#stats = stats;
    setInterval(() => this.#measure(), EVERY_MS);
  }

  /** The call changed: `via` is "webrtc", "websocket", or null when there is none. */
  follow(via) {
    if (via === this.#via) return;
    this.#via = via;
    this.#last = null;
    this.#button.hidden = via === null;
    this.#show(null, null);
    if (via) this.#measure();
  }

  async #measure() {
    if (!this.#via || document.hidden) return;
    const report = await this.#stats()?.catch(() => null);
    if (!report) return;
    const now = figures(report);
    const quality = this.#last ? qualityBetween(this.#last, now) : null;
    this.#last = now;
    this.#show(quality, now);
  }

  #show(quality, figure) {
    const grade = quality?.grade ?? 0;
    this.#button.dataset.grade = String(grade);
    const trip = quality?.roundTripMs === null || quality === null ? "" : `, ${quality.roundTripMs} ms round trip`;
    const words = this.#via === "websocket" ? "over WebSocket" : GRADES[grade];
    this.#button.setAttribute("aria-label", `Connection: ${words}${trip}`);
    const rows = rowsOf(this.#via, quality, figure);
    if (this.#rows.children.length !== rows.length) {
      this.#rows.replaceChildren(...rows.map(() => element("div", {}, element("dt"), element("dd"))));
    }
    rows.forEach(([name, value], index) => {
      setText(this.#rows.children[index].firstChild, name);
      setText(this.#rows.children[index].lastChild, value);
    });
  }
}
