// What the page says to the server: events of the OpenAI Realtime protocol, built and nothing more.

/** An id for an item of ours. The protocol allows 32 characters. */
export function itemId() {
  const random = crypto.getRandomValues(new Uint8Array(10));
  return "item_" + Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The events of a typed turn: the line, and the wish for an answer.
 *
 * `interrupting`: a reply is still being spoken. As when one speaks over it, it ends first; music goes on.
 */
export function typedTurn(id, text, interrupting = false) {
  return [
    ...(interrupting ? [{ type: "response.cancel" }] : []),
    { type: "conversation.item.create", item: { id, type: "message", role: "user", content: [{ type: "input_text", text }] } },
    { type: "response.create" },
  ];
}

/** The events that silence the assistant: it stops making sound, and what is already made is not played. */
export function interruption() {
  return [{ type: "response.cancel" }, { type: "output_audio_buffer.clear" }];
}
