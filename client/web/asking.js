// What was dropped into the conversation is answered: once all of it is there, and nobody is in the middle of
// something. Whatever is answered in between has it before its eyes already. Pure.

/** Under this event id the wish is sent, so that an answer already under way is no error. */
export const ASK_ID = "ask_attached";

/** Follows the items of one call that wait to be answered. */
export class Asking {
  #waiting = new Set(); // item ids that the server did not confirm yet
  #unanswered = false;

  /** The item `id` is being sent. */
  sent(id) {
    this.#waiting.add(id);
  }

  /** To be told of every event; `busy`: somebody speaks, or is being answered. Gives the events to send. */
  follow(event, busy) {
    if (["conversation.item.added", "conversation.item.created"].includes(event.type) && this.#waiting.delete(event.item?.id)) {
      this.#unanswered = true;
    }
    if (event.type === "error") this.#waiting.delete(/^create_(.*)$/.exec(event.error?.event_id ?? "")?.[1]);
    if (event.type === "response.created" && event.response?.conversation_id) this.#unanswered = false;
    if (!this.#unanswered || this.#waiting.size > 0 || busy) return [];
    this.#unanswered = false;
    return [{ type: "response.create", event_id: ASK_ID }];
  }

  /** The call is over; of what was sent, `unsent` will still be. */
  end(unsent) {
    this.#waiting = new Set([...this.#waiting].filter((id) => unsent.has(id)));
    this.#unanswered = false;
  }
}
