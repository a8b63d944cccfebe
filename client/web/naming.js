// What an artefact is called when one asks for it: its kind, and its number among its kind. Pure.

const NOUNS = { music: "piece", sound: "sound", speech: "recording", text: "note", image: "picture" };
const NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/** "piece", "note"; what was hummed is a tune and says so in its name. */
function nounOf({ artefactKind, name = "" }) {
  return artefactKind === "speech" && /^tune\b/i.test(name) ? "tune" : (NOUNS[artefactKind] ?? artefactKind);
}

/** "Piece 2". */
export function called(artefact) {
  const noun = nounOf(artefact);
  return `${noun[0].toUpperCase()}${noun.slice(1)} ${artefact.number}`;
}

/** What one would say to have it again: "play piece two". */
export function requestFor(artefact) {
  const verb = { text: "read", image: "show" }[artefact.artefactKind] ?? "play";
  return `${verb} ${nounOf(artefact)} ${NUMBERS[artefact.number] ?? artefact.number}`;
}
