// What an artefact is called, and what one says to have it again. Numbers count through the session. Pure.

const NOUNS = { music: "piece", sound: "sound", speech: "recording", text: "note", image: "picture" };
const NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/** "piece", "note"; what was hummed is a tune and says so in its name. */
export function nounOf({ artefactKind, name = "" }) {
  return artefactKind === "speech" && /^tune\b/i.test(name) ? "tune" : (NOUNS[artefactKind] ?? artefactKind);
}

/** "Number 2". */
export const called = ({ number }) => `Number ${number}`;

/** What one would say to have it again: "play number two". */
export function requestFor(artefact) {
  const verb = { text: "read", image: "show" }[artefact.artefactKind] ?? "play";
  return `${verb} number ${NUMBERS[artefact.number] ?? artefact.number}`;
}
