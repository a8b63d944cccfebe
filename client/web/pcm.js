// The audio of the protocol's events: base64 of 16-bit little-endian mono samples at WIRE_RATE. Pure.

export const WIRE_RATE = 24_000;

const CHUNK = 0x6000; // bytes; a multiple of three, so that the pieces of base64 join without padding

/** Samples (-1..1) from base64. */
export function decodePcm(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length >> 1 }, (_, index) => view.getInt16(2 * index, true) / 32768);
}

/** Base64 from samples (-1..1). */
export function encodePcm(samples) {
  const view = new DataView(new ArrayBuffer(2 * samples.length));
  samples.forEach((sample, index) => view.setInt16(2 * index, Math.max(-32768, Math.min(32767, Math.round(sample * 32768))), true));
  const parts = [];
  for (let at = 0; at < view.byteLength; at += CHUNK) {
    const bytes = new Uint8Array(view.buffer, at, Math.min(CHUNK, view.byteLength - at));
    parts.push(btoa(String.fromCharCode(...bytes))); // in pieces: a call takes some 100 000 arguments, not millions
  }
  return parts.join("");
}
