// One call, whichever way it gets through: WebRTC, and where that cannot pass the WebSocket.

import { RtcCall } from "./rtc.js";
import { SocketCall } from "./socket.js";

/**
 * Calls the server. `track` is the microphone, or null for a typed call whose answers are still heard.
 *
 * `handlers`: event(object), stream(MediaStream), network(isSteady), audio() -> AudioContext, and
 * end(CallFailure) once, if the call ends otherwise than by `close()`, and sent(object) for every event of ours but sound.
 * `options`: `resume` takes up a call that was lost, by its token, and `lastEvent` names the last event received
 * of it; `socket` leaves WebRTC out.
 * Rejects with a CallFailure, or an AbortError after `signal` fired.
 *
 * The call has `via` ("webrtc" or "websocket"), send(events), setTrack(track), close() to hang up, and
 * retire() to let go of its connection after another one took up the call.
 */
export async function openCall(track, handlers, signal, options = {}) {
  if (options.socket || !globalThis.RTCPeerConnection) return SocketCall.open(track, handlers, signal, options);
  try {
    return await RtcCall.open(track, handlers, signal, options);
  } catch (error) {
    if (error.code !== "no-path") throw error;
    return SocketCall.open(track, handlers, signal, options);
  }
}
