// The one thing that the page changes in its offer. Pure.

/**
 * The offer with `stereo=1` for Opus: music comes in stereo, and Chromium decodes it as mono unless its own
 * offer says that it wants both channels (RFC 7587, 6.1). Firefox says so by itself.
 */
export function withStereo(sdp) {
  const [, payload] = sdp.match(/^a=rtpmap:(\d+) opus\/48000\/2/im) ?? [];
  if (!payload) return sdp;
  const line = new RegExp(`^a=fmtp:${payload} (?!.*\\bstereo=)([^\\r\\n]*)`, "m");
  return sdp.replace(line, `a=fmtp:${payload} $1;stereo=1`);
}
