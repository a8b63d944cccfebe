// The panel of the turns: the chosen one as a waterfall that names its stages, and the last ones beneath each other.

import { element } from "./dom.js";
import { inWords, scaleFor, segments } from "./latency.js";

const MOST = 12; // turns

/** The last turns that were timed: {id, title, latency, decision}. Pure. */
export function turnsOf(entries) {
  const turns = [];
  let said = null;
  for (const entry of entries) {
    if (entry.kind === "you") said = entry;
    if (entry.latency) {
      turns.push({ id: entry.id, title: said?.text || entry.name || entry.text, latency: entry.latency, decision: said?.decision ?? null });
    }
  }
  return turns.slice(-MOST);
}

const EVIDENCE = {
  silence_ms: (value) => `${Math.round(value)} ms of silence`,
  completeness: (value) => `words complete ${percent(value)}`,
  prosody: (value) => `falling voice ${percent(value)}`,
  probability: (value) => `a voice for ${percent(value)} sure`,
};
const percent = (value) => `${Math.round(value * 100)} %`;

/** Why the turn was taken to be over, in a line: "complete (192 ms of silence, words complete 90 %)". Pure. */
export function reasonOf(decision) {
  if (!decision) return "";
  const facts = Object.entries(EVIDENCE)
    .filter(([name]) => Number.isFinite(decision.evidence[name]))
    .map(([name, words]) => words(decision.evidence[name]));
  return facts.length ? `${decision.why} (${facts.join(", ")})`.trim() : decision.why;
}

/** The middle of the totals, in ms; null without any. Pure. */
export function median(turns) {
  const totals = turns.map(({ latency }) => latency.total).sort((a, b) => a - b);
  if (totals.length === 0) return null;
  const middle = totals.length >> 1;
  return Math.round(totals.length % 2 ? totals[middle] : (totals[middle - 1] + totals[middle]) / 2);
}

/** Shows turns in `node`; a turn's row chooses it, the newest is chosen until then. */
export class TimingView {
  #node;
  #empty;
  #chosen = null;
  #key = "";
  #turns = [];

  constructor({ node, empty }) {
    this.#node = node;
    this.#empty = empty;
  }

  show(entries) {
    const turns = turnsOf(entries);
    const key = JSON.stringify(turns.map(({ id, title, latency, decision }) => [id, title, latency.total, decision?.why]));
    if (key === this.#key) return;
    if (turns.at(-1)?.id !== this.#turns.at(-1)?.id) this.#chosen = null; // a new turn is what one waits for
    this.#key = key;
    this.#turns = turns;
    this.#draw();
  }

  #draw() {
    const turns = this.#turns;
    this.#empty.hidden = turns.length > 0;
    if (turns.length === 0) {
      this.#node.replaceChildren();
      return;
    }
    const chosen = turns.find(({ id }) => id === this.#chosen) ?? turns.at(-1);
    const rows = turns.map((turn) => this.#row(turn, turn === chosen, scaleFor(turns.map(({ latency }) => latency.total))));
    this.#node.replaceChildren(
      waterfall(chosen),
      element("h3", {}, turns.length > 1 ? `Last ${turns.length} turns, median ${median(turns)} ms` : "The turns"),
      element("ol", { class: "turns" }, ...rows.reverse()),
    );
  }

  #row(turn, isChosen, scale) {
    const bar = element("span", { class: "latency-bar", "aria-hidden": "true" });
    for (const { stage, start, width } of segments(turn.latency, scale)) bar.append(part(stage, start, width));
    const button = element("button", { type: "button", "aria-pressed": String(isChosen), "aria-label": `${turn.title}: ${inWords(turn.latency)}` },
      element("span", { class: "turn-title" }, turn.title),
      bar,
      element("span", { class: "latency-total" }, `${Math.round(turn.latency.total)} ms`));
    button.addEventListener("click", () => {
      this.#chosen = turn.id;
      this.#draw();
      this.#node.querySelector('[aria-pressed="true"]').focus();
    });
    return element("li", {}, button);
  }
}

/** One turn, a row a stage, each bar where its time was. */
function waterfall({ title, latency, decision }) {
  const rows = segments(latency, latency.total || 1).map(({ stage, name, ms, start, width }) => {
    const lane = element("span", { class: "lane", "aria-hidden": "true" });
    lane.append(part(stage, Math.min(start, 100), Math.max(0.5, Math.min(width, 100 - start))));
    return element("div", {}, element("dt", { "data-stage": stage }, name), lane, element("dd", {}, `${ms} ms`));
  });
  const reason = reasonOf(decision);
  return element("div", { class: "waterfall" },
    element("p", { class: "turn-title" }, title),
    element("dl", {}, ...rows,
      element("div", { class: "sum" }, element("dt", {}, "until it sounded"), element("span", { class: "lane" }), element("dd", {}, `${Math.round(latency.total)} ms`))),
    reason ? element("p", { class: "reason" }, `Your turn was over: ${reason}.`) : null);
}

function part(stage, start, width) {
  const node = element("span", { class: "latency-part", "data-stage": stage });
  node.style.left = `${start}%`;
  node.style.width = `${width}%`;
  return node;
}
