// The last events of the call, for who wants to know what the page and the server said to one another. Pure.

const KEPT = 5_000; // some ten minutes of a lively conversation
const LONG = 400; // characters of a string: base64 is cut, transcripts are not

/** Events in order, both ways, without the sound in them. */
export class EventLog {
  #lines = [];

  /** Keeps `event`; `way` is "sent" or "received", `at` the time in ms since 1970. */
  add(way, event, at) {
    this.#lines.push({ at: new Date(at).toISOString(), way, event: shortened(event) });
    if (this.#lines.length > KEPT) this.#lines.shift();
  }

  /** One JSON object a line: {at, way, event}. */
  get text() {
    return this.#lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  }
}

/** `value` with long strings of base64 cut, and secrets left out. */
function shortened(value, name = "") {
  if (name === "resume") return value && "…";
  if (typeof value === "string") return value.length > LONG && !/\s/.test(value) ? `${value.slice(0, 32)}… (${value.length} characters)` : value;
  if (Array.isArray(value)) return value.map((one) => shortened(one));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shortened(one, key)]));
}
