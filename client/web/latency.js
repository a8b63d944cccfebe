// Where the milliseconds of a turn went: the sums are pure, the drawing is below them.

import { STAGES } from "./own-events.js";
import { element } from "./dom.js";

const NAMES = {
  endpoint: "end of your turn",
  asr: "words",
  plan: "thinking",
  speech: "first sound",
  send: "sending",
};

/** All bars of a page share this scale, so that turns can be compared: at least one second, in round steps. */
export function scaleFor(totals) {
  return Math.ceil(Math.max(1000, ...totals) / 500) * 500;
}

/**
 * The parts of a bar in order: {stage, name, ms, start, width}, `start` and `width` in percent of `scale` ms.
 * Stages that this page does not know come last, under the name the server gave them.
 */
export function segments(latency, scale) {
  const known = STAGES.filter((stage) => stage in latency.stages);
  const others = Object.keys(latency.stages).filter((stage) => !STAGES.includes(stage));
  let start = 0;
  return [...known, ...others].map((stage) => {
    const ms = Math.max(0, latency.stages[stage]);
    const part = { stage, name: NAMES[stage] ?? stage, ms: Math.round(ms), start, width: (ms / scale) * 100 };
    start += part.width;
    return part;
  });
}

/** The bar in words, for those who do not see it. */
export function inWords(latency) {
  const parts = segments(latency, 1000).map(({ name, ms }) => `${name} ${ms} ms`);
  return `Answered in ${Math.round(latency.total)} milliseconds: ${parts.join(", ")}.`;
}

/** A bar that opens into the list of stages. */
export function latencyView(latency, scale) {
  const parts = segments(latency, scale);
  const bar = element("span", { class: "latency-bar", role: "img", "aria-label": inWords(latency) });
  for (const { stage, start, width } of parts) {
    const part = element("span", { class: "latency-part", "data-stage": stage });
    part.style.left = `${start}%`;
    part.style.width = `${width}%`;
    bar.append(part);
  }
  const total = element("span", { class: "latency-total" }, `${Math.round(latency.total)} ms`);
  const list = element("dl", { class: "latency-stages" });
  for (const { stage, name, ms } of parts) {
    const row = element("div", {}, element("dt", { "data-stage": stage }, name), element("dd", {}, `${ms} ms`));
    list.append(row);
  }
  return element("details", { class: "latency" }, element("summary", {}, bar, total), list);
}
