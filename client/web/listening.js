// What the events of a call over a WebSocket mean for what is still buffered here, which the server does not see:
// when to fall silent, when to go on, and what to tell of it. Pure; orders are those of playback-worklet.js.

const REMEMBERED = 16; // responses and items; a few are open at a time

/** Follows one call's events in both directions. */
export class Listening {
  #replies = new Set(); // items of the conversation, which can be truncated; music is none
  #responses = new Map(); // id of an open response -> the item that sounds, or null

  /** The order that an event of the server's stands for, or null. */
  receives(event) {
    switch (event.type) {
      case "conversation.item.added":
        if (event.item?.role === "assistant") add(this.#replies, event.item.id);
        return null;
      case "response.created":
        this.#responses.set(event.response.id, null);
        return null;
      case "response.output_audio.delta":
        if (this.#responses.has(event.response_id)) this.#responses.set(event.response_id, event.item_id);
        return null;
      case "response.done":
        return this.#done(event.response);
      case "input_audio_buffer.speech_started":
        // The server pauses its voice until it knows what was meant: then it goes on, or drops the rest.
        return this.#speaking ? { hold: true } : null;
      case "conversation.item.truncated":
        return { drop: [event.item_id] };
      case "output_audio_buffer.cleared":
        return { drop: null };
      default:
        return null;
    }
  }

  /** The order that an event of ours stands for, or null. */
  sends(event) {
    if (event.type === "output_audio_buffer.clear") return { drop: null };
    if (event.type !== "response.cancel") return null;
    if (!event.response_id) return { drop: [...this.#replies] };
    const item = this.#responses.get(event.response_id);
    return item ? { drop: [item] } : null;
  }

  /** What to tell the server after playback dropped sound: `cut` is the worklet's, [{item, heardMs}]. */
  truncations(cut) {
    return cut.filter(({ item }) => this.#replies.has(item)).map(({ item, heardMs }) => (
      { type: "conversation.item.truncate", item_id: item, content_index: 0, audio_end_ms: heardMs }
    ));
  }

  /** Whether there is more to come of something that is being said, and music is not in it: that goes on. */
  get #speaking() {
    const items = [...this.#responses.values()].filter(Boolean);
    return items.length > 0 && items.every((item) => this.#replies.has(item));
  }

  #done({ id, status, output = [] }) {
    const item = this.#responses.get(id);
    this.#responses.delete(id);
    if (status === "cancelled") return { drop: [...output.map((one) => one.id), ...(item ? [item] : [])] };
    return this.#speaking ? null : { hold: false };
  }
}

function add(known, item) {
  known.add(item);
  if (known.size > REMEMBERED) known.delete(known.values().next().value);
}
