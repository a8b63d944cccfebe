// A call over WebRTC: a voice each way and the events on a data channel.
//
// Signalling is one request: the offer goes out with its candidates in it, the answer comes back. A call that
// was lost is taken up again with a new offer that carries its token (`resume`).

import { authorization } from "./access.js";
import { dropped, gone, noPath, refused, unreachable } from "./failures.js";
import { retryAfter } from "./retry.js";
import { withStereo } from "./sdp.js";
import { SideChannel } from "./side-channel.js";

const GATHER_MS = 1_000; // host candidates take a few ms; a STUN server that does not answer takes 10 s
const REQUEST_MS = 5_000; // the server waits 2 s for a TURN server before it answers
const CONNECT_MS = 5_000; // then the WebSocket is tried
const DISCONNECTED_MS = 1_000; // a new call takes a fraction of a second, where ICE gives up only after some 25 s
// The server sends at least every 400 ms, silence included. Chromium's ICE takes 2.5 s and more to notice that
// nothing comes; three packets lost in a row happen once in an hour at 5 % loss.
const SILENT_MS = 1_300;
const LOOK_MS = 150;

const address = (path) => new URL(path, document.baseURI);

/** A call that is up. Open one with `RtcCall.open`. */
export class RtcCall {
  via = "webrtc";
  #pc;
  #channel;
  #sender;
  #resource = null;
  #side = null;
  #handlers;
  #ended = false;
  #grace = null;
  #watch = null;

  /** As `openCall` in call.js, over WebRTC alone. */
  static async open(track, handlers, signal, { resume = null, lastEvent = "" } = {}) {
    const call = new RtcCall(handlers, await iceServers(signal));
    try {
      await call.#connect(track, signal, resume, lastEvent);
    } catch (error) {
      // An attempt to take up a call must not end it.
      if (resume) call.retire();
      else call.close();
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
    const most = this.#pc.sctp?.maxMessageSize ?? Infinity;
    for (const event of events) {
      const text = JSON.stringify(event);
      this.#handlers.sent(event);
      if (new Blob([text]).size <= most) this.#channel.send(text);
      else this.#aside.send(event.event_id, text);
    }
  }

  /** The browser's statistics of this call. */
  stats() {
    return this.#pc.getStats();
  }

  /** Speaks through another microphone, or through none (null), without a new call. */
  async setTrack(track) {
    await this.#sender.replaceTrack(track);
  }

  /** Lets go of the connection without hanging up: another has taken its place. */
  retire() {
    this.#ended = true;
    clearTimeout(this.#grace);
    clearInterval(this.#watch);
    this.#side?.close();
    this.#pc.close();
  }

  get #aside() {
    const callId = (this.#resource ?? "").split("/").at(-1);
    this.#side ??= new SideChannel(callId, (event) => this.#handlers.event(event));
    return this.#side;
  }

  /** Hangs up. */
  close() {
    this.retire();
    // `keepalive` lets the request outlive the page, so that the server's place is free at once.
    if (this.#resource) fetch(`${this.#resource}/hangup`, { method: "POST", headers: authorization(), keepalive: true }).catch(() => {});
    this.#resource = null;
  }

  async #connect(track, signal, resume, lastEvent) {
    // Sending both ways even without a microphone: one can be added later without a new offer.
    this.#sender = this.#pc.addTransceiver(track ?? "audio", { direction: "sendrecv" }).sender;
    const { type, sdp } = await this.#pc.createOffer();
    await this.#pc.setLocalDescription({ type, sdp: withStereo(sdp) });
    await gathered(this.#pc);
    signal.throwIfAborted();

    const answer = await post(this.#pc.localDescription.sdp, signal, resume, lastEvent);
    this.#resource = answer.resource;
    await this.#pc.setRemoteDescription({ type: "answer", sdp: answer.sdp });
    await this.#opened(signal);
    this.#watchPackets();
  }

  /** Ends the call when nothing has come for SILENT_MS. */
  #watchPackets() {
    let received = -1;
    let since = performance.now();
    let looked = since;
    this.#watch = setInterval(async () => {
      const count = await packetsReceived(this.#pc).catch(() => received);
      const now = performance.now();
      // A page that was held up itself cannot tell.
      if (count !== received || now - looked > 2 * LOOK_MS) since = now;
      received = count;
      looked = now;
      if (now - since > SILENT_MS) this.#end();
    }, LOOK_MS);
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
    if (state === "disconnected") this.#grace = setTimeout(() => this.#end(), DISCONNECTED_MS);
    this.#handlers.network(state !== "disconnected");
  }

  #end() {
    if (this.#ended || this.#channel.readyState === "connecting") return; // then `#opened` reports it
    this.#ended = true;
    clearInterval(this.#watch);
    this.#handlers.end(dropped());
  }
}

/** The STUN and TURN servers that this deployment wants used; none where it does not say. */
async function iceServers(signal) {
  const response = await request("v1/audiogpt/config", { headers: authorization(), signal });
  if (!response.ok) return [];
  const config = await response.json().catch(() => ({}));
  return config.ice_servers ?? [];
}

/** How many packets have come over the connection. */
async function packetsReceived(pc) {
  let all = 0;
  let audio = 0;
  for (const entry of (await pc.getStats()).values()) {
    if (entry.type === "transport") all += entry.packetsReceived ?? 0; // not in Firefox
    if (entry.type === "inbound-rtp") audio += entry.packetsReceived ?? 0;
  }
  return all || audio;
}

async function post(sdp, signal, resume, lastEvent) {
  const response = await request("v1/realtime/calls", {
    method: "POST",
    headers: {
      "Content-Type": "application/sdp",
      "X-AudioGPT-Resume": resume ?? "new",
      ...authorization(),
      ...(lastEvent && { "Last-Event-ID": lastEvent }),
    },
    body: sdp,
    signal,
  });
  if (!response.ok) {
    const body = await response.json().catch(() => null);
    if (response.status === 404 && resume) throw gone();
    throw refused(response.status, body?.error?.message, retryAfter(response.headers.get("Retry-After")));
  }
  const location = response.headers.get("Location");
  return { sdp: await response.text(), resource: location && new URL(location, response.url).href };
}

/** Fetches; a network that has gone may leave a request hanging for minutes, which is not waited for. */
async function request(path, { signal, ...options }) {
  const patience = AbortSignal.timeout(REQUEST_MS);
  try {
    return await fetch(address(path), { ...options, signal: AbortSignal.any([signal, patience]) });
  } catch (error) {
    throw error.name === "AbortError" ? error : unreachable();
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
