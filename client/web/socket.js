// A call over a WebSocket: the events, and the audio inside them. For networks that let no WebRTC through.

import { subprotocols } from "./access.js";
import { dropped, gone, tooLarge, unreachable } from "./failures.js";
import { decodePcm, encodePcm } from "./pcm.js";
import { Listening } from "./listening.js";

const CONNECT_MS = 5_000;
const STUCK_BYTES = 100_000; // 1.5 s of the microphone that did not leave: the network is gone
const GONE = 4404; // the server's close code for a call that cannot be taken up
const TOO_BIG = 1009; // an event was larger than the server takes (RFC 6455)
const LARGE_BYTES = 200_000; // no piece of the microphone is
const RETIRED = 4000; // ours, for a socket whose call went on elsewhere: it says no goodbye

/** The address of the WebSocket beside the page at `base`. Pure. */
export function socketAddress(base, resume, lastEvent) {
  const address = new URL("v1/realtime", base);
  address.protocol = address.protocol.replace("http", "ws");
  address.searchParams.set("resume", resume ?? "new");
  if (lastEvent) address.searchParams.set("last_event", lastEvent);
  return address;
}

/** A call that is up. Open one with `SocketCall.open`. */
export class SocketCall {
  via = "websocket";
  #socket;
  #handlers;
  #context = null;
  #playback = null;
  #listening = new Listening();
  #capture = null;
  #source = null;
  #ended = false;
  #largest = null; // {id, bytes} of the last large event

  /** As `openCall` in call.js, over the WebSocket alone. */
  static async open(track, handlers, signal, { resume = null, lastEvent = "" } = {}) {
    const call = new SocketCall(handlers);
    try {
      await call.#prepare();
      signal.throwIfAborted();
      await call.#connect(socketAddress(document.baseURI, resume, lastEvent), signal);
      await call.setTrack(track);
    } catch (error) {
      if (resume) call.retire();
      else call.close();
      throw error;
    }
    return call;
  }

  constructor(handlers) {
    this.#handlers = handlers;
  }

  /** Sends events in order. What they silence is silent at once: what is buffered here the server cannot reach. */
  send(events) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    for (const event of events) {
      this.#obey(this.#listening.sends(event));
      if (event.type !== "input_audio_buffer.append") this.#handlers.sent(event);
      const text = JSON.stringify(event);
      if (text.length > LARGE_BYTES) this.#largest = { id: event.event_id, bytes: text.length };
      this.#socket.send(text);
    }
  }

  /** A WebSocket has no statistics. */
  stats() {
    return Promise.resolve(null);
  }

  /** Speaks through another microphone, or through none (null), without a new call. */
  async setTrack(track) {
    this.#source?.disconnect();
    this.#source = null;
    if (!track || !this.#capture) return;
    this.#source = this.#context.createMediaStreamSource(new MediaStream([track]));
    this.#source.connect(this.#capture);
  }

  /** Lets go of the connection without hanging up: another has taken its place. */
  retire() {
    this.#leave(RETIRED);
  }

  /** Hangs up. */
  close() {
    this.#leave(1000);
  }

  #leave(code) {
    this.#ended = true;
    this.#source?.disconnect();
    this.#capture?.disconnect();
    this.#playback?.disconnect();
    this.#socket?.close(code);
  }

  /** The two ends of the sound. Without a secure page there are no worklets: then one reads the answers. */
  async #prepare() {
    const context = (this.#context = this.#handlers.audio());
    if (!context.audioWorklet) return;
    await Promise.all(["capture", "playback"].map((name) =>
      context.audioWorklet.addModule(new URL(`${name}-worklet.js`, import.meta.url))));
    this.#playback = new AudioWorkletNode(context, "playback", { numberOfInputs: 0, outputChannelCount: [1] });
    this.#playback.port.onmessage = ({ data }) => this.send(this.#listening.truncations(data));
    const out = context.createMediaStreamDestination();
    this.#playback.connect(out);
    this.#handlers.stream(out.stream);
    this.#capture = new AudioWorkletNode(context, "capture", { channelCount: 1, channelCountMode: "explicit" });
    this.#capture.connect(context.destination); // its output is silence; it runs for as long as it is connected
    this.#capture.port.onmessage = ({ data }) => this.#say(data);
  }

  #say(samples) {
    if (!this.#source) return;
    this.send([{ type: "input_audio_buffer.append", audio: encodePcm(samples) }]);
    // What was attached may take its time.
    if (this.#socket?.bufferedAmount > STUCK_BYTES + (this.#largest?.bytes ?? 0)) this.#end();
  }

  #connect(address, signal) {
    return new Promise((resolve, reject) => {
      const socket = (this.#socket = new WebSocket(address, subprotocols()));
      const timer = setTimeout(() => settle(reject)(unreachable()), CONNECT_MS);
      const settle = (finish) => (value) => {
        clearTimeout(timer);
        finish(value);
      };
      let up = false;
      // Open is not enough: a call that cannot be taken up is closed right after.
      socket.onmessage = ({ data }) => {
        if (!up) settle(resolve)();
        up = true;
        this.#receive(data);
      };
      socket.onclose = ({ code }) => {
        if (code === TOO_BIG && this.#largest) this.#handlers.event(tooLarge(this.#largest.id, this.#largest.bytes));
        if (up) this.#end();
        else settle(reject)(code === GONE ? gone() : unreachable());
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
    this.#obey(this.#listening.receives(event));
    if (event.type === "response.output_audio.delta") {
      this.#playback?.port.postMessage({ samples: decodePcm(event.delta), item: event.item_id });
    } else {
      this.#handlers.event(event);
    }
  }

  /** Tells the playback what to do, if there is something. */
  #obey(order) {
    if (order) this.#playback?.port.postMessage(order);
  }

  #end() {
    if (this.#ended) return;
    this.#ended = true;
    this.#handlers.end(dropped());
  }
}
