// One call: a WebRTC connection with a voice each way and the events on a data channel.
//
// Signalling is one request: the offer goes out with its candidates in it, the answer comes back.

import { CallFailure, dropped, noPath, refused, unreachable } from "./failures.js";
import { retryAfter } from "./retry.js";
import { withStereo } from "./sdp.js";

const GATHER_MS = 1_000; // host candidates take a few ms; a STUN server that does not answer takes 10 s
const CONNECT_MS = 15_000;
const DISCONNECTED_MS = 5_000; // Wi-Fi hand-overs heal within this; ICE itself gives up only after some 25 s

const address = (path) => new URL(path, document.baseURI);

/** A call that is up. Open one with `Call.open`. */
export class Call {
  #pc;
  #channel;
  #sender;
  #resource = null;
  #handlers;
  #ended = false;
  #grace = null;

  /**
   * Calls the server. `track` is the microphone, or null for a typed call whose answers are still heard.
   *
   * `handlers`: event(object), stream(MediaStream), network(isSteady), end(CallFailure) once, if the call
   * ends otherwise than by `close()`. Rejects with a CallFailure, or an AbortError after `signal` fired.
   */
  static async open(track, handlers, signal) {
    const call = new Call(handlers, await iceServers(signal));
    try {
      await call.#connect(track, signal);
    } catch (error) {
      call.close();
      throw error;
    }
    return call;
  }

  constructor(handlers, iceServerList) {
    this.#handlers = handlers;
    this.#pc = new RTCPeerConnection({ iceServers: iceServerList });
    this.#pc.ontrack = ({ streams, track }) => handlers.stream(streams[0] ?? new MediaStream([track]));
    this.#pc.oniceconnectionstatechange = () => this.#network(this.#pc.iceConnectionState);
    this.#channel = this.#pc.createDataChannel("oai-events");
    this.#channel.onmessage = ({ data }) => this.#receive(data);
    this.#channel.onclose = () => this.#end();
  }

  /** Sends events in order. */
  send(events) {
    if (this.#channel.readyState !== "open") return;
    for (const event of events) this.#channel.send(JSON.stringify(event));
  }

  /** Speaks through another microphone, or through none (null), without a new call. */
  async setTrack(track) {
    await this.#sender.replaceTrack(track);
  }

  /** Hangs up. */
  close() {
    this.#ended = true;
    clearTimeout(this.#grace);
    this.#pc.close();
    // `keepalive` lets the request outlive the page, so that the server's place is free at once.
    if (this.#resource) fetch(`${this.#resource}/hangup`, { method: "POST", keepalive: true }).catch(() => {});
    this.#resource = null;
  }

  async #connect(track, signal) {
    // Sending both ways even without a microphone: one can be added later without a new offer.
    this.#sender = this.#pc.addTransceiver(track ?? "audio", { direction: "sendrecv" }).sender;
    const { type, sdp } = await this.#pc.createOffer();
    await this.#pc.setLocalDescription({ type, sdp: withStereo(sdp) });
    await gathered(this.#pc);
    signal.throwIfAborted();

    const answer = await post(this.#pc.localDescription.sdp, signal);
    this.#resource = answer.resource;
    await this.#pc.setRemoteDescription({ type: "answer", sdp: answer.sdp });
    await this.#opened(signal);
  }

  #opened(signal) {
    if (this.#channel.readyState === "open") return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(noPath()), CONNECT_MS);
      const settle = (finish) => (value) => {
        clearTimeout(timer);
        finish(value);
      };
      this.#channel.onopen = settle(resolve);
      this.#pc.onconnectionstatechange = () => {
        if (this.#pc.connectionState === "failed") settle(reject)(noPath());
      };
      signal.addEventListener("abort", () => settle(reject)(signal.reason), { once: true });
    });
  }

  #receive(data) {
    let event;
    try {
      event = JSON.parse(data);
    } catch {
      console.warn("The server sent an event that is not JSON:", data);
      return;
    }
    this.#handlers.event(event);
  }

  #network(state) {
    clearTimeout(this.#grace);
    if (state === "failed") this.#end();
    if (state === "disconnected") {
      this.#grace = setTimeout(() => this.#end(), DISCONNECTED_MS);
      fetch(address("healthz")).catch(() => this.#end()); // a server that is gone refuses at once
    }
    this.#handlers.network(state !== "disconnected");
  }

  #end() {
    if (this.#ended || this.#channel.readyState === "connecting") return; // then `#opened` reports it
    this.close();
    this.#handlers.end(dropped());
  }
}

/** The STUN and TURN servers that this deployment wants used; none where it does not say. */
async function iceServers(signal) {
  const response = await request("v1/audiogpt/config", { signal });
  if (!response.ok) return [];
  const config = await response.json().catch(() => ({}));
  return config.ice_servers ?? [];
}

async function post(sdp, signal) {
  const response = await request("v1/realtime/calls", {
    method: "POST",
    headers: { "Content-Type": "application/sdp" },
    body: sdp,
    signal,
  });
  if (!response.ok) {
    const body = await response.json().catch(() => null);
    throw refused(response.status, body?.error?.message, retryAfter(response.headers.get("Retry-After")));
  }
  const location = response.headers.get("Location");
  return { sdp: await response.text(), resource: location && new URL(location, response.url).href };
}

async function request(path, options) {
  try {
    return await fetch(address(path), options);
  } catch (error) {
    throw error.name === "AbortError" || error instanceof CallFailure ? error : unreachable();
  }
}

/** Resolves when the candidates are in the local description, or after the time one waits for them. */
function gathered(pc) {
  if (pc.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    setTimeout(resolve, GATHER_MS);
    pc.addEventListener("icegatheringstatechange", () => {
      if (pc.iceGatheringState === "complete") resolve();
    });
  });
}
