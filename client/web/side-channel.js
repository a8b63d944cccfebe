// The way for events that are too large for a data channel: a WebSocket to the same call (`?call_id=`), which the
// Realtime protocol has for this. Browsers send 256 kB over a data channel at a time, 4 s of sound.

import { subprotocols } from "./access.js";
import { tooLarge } from "./failures.js";
import { eventIdOf } from "./protocol.js";

const ANSWER_MS = 10_000; // for 4 MB over a slow uplink, and the server's word

/** Carries large events of the call `callId`. Opened with the first of them, closed with the call. */
export class SideChannel {
  #callId;
  #report;
  #socket = null;
  #open = null;
  #pending = new Map(); // event id -> bytes

  /** `report(event)` is given an `error` event where something did not get through. */
  constructor(callId, report) {
    this.#callId = callId;
    this.#report = report;
  }

  /** Sends `text`, the event `eventId`. */
  async send(eventId, text) {
    this.#pending.set(eventId, text.length);
    setTimeout(() => this.#pending.delete(eventId), ANSWER_MS);
    try {
      this.#open ??= this.#connect();
      await this.#open;
      this.#socket.send(text);
    } catch {
      this.#failed();
    }
  }

  close() {
    this.#pending.clear();
    this.#socket?.close();
  }

  #connect() {
    const address = new URL("v1/realtime", document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    address.searchParams.set("call_id", this.#callId);
    return new Promise((resolve, reject) => {
      const socket = (this.#socket = new WebSocket(address, subprotocols()));
      socket.onopen = resolve;
      socket.onmessage = ({ data }) => this.#hear(data);
      socket.onclose = () => {
        reject(new Error("closed"));
        this.#open = null;
        this.#failed();
      };
    });
  }

  #hear(data) {
    // Everything of the call is mirrored here. What its own connection tells is not told twice: only what became of
    // what was sent here is looked at, and an error about it may come to both.
    const event = JSON.parse(data);
    if (["conversation.item.added", "conversation.item.created"].includes(event.type)) this.#pending.delete(eventIdOf(event.item?.id));
    if (event.type === "error" && this.#pending.delete(event.error?.event_id)) this.#report(event);
  }

  #failed() {
    for (const [eventId, bytes] of this.#pending) this.#report(tooLarge(eventId, bytes));
    this.#pending.clear();
  }
}
