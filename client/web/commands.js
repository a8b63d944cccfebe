// What the page says to the server: events of the OpenAI Realtime protocol, built and nothing more. Pure.

import { eventIdOf } from "./protocol.js";

/** An id for an item of ours. The protocol allows 32 characters. */
export function itemId() {
  const random = crypto.getRandomValues(new Uint8Array(10));
  return "item_" + Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The event that puts content parts of the person's into the conversation. */
export function userItem(id, content) {
  const item = { id, type: "message", role: "user", content };
  return { type: "conversation.item.create", event_id: eventIdOf(id), item };
}

/**
 * The events of a typed turn: the line, and the wish for an answer.
 *
 * `interrupting`: a reply is still being spoken. As when one speaks over it, it ends first; music goes on.
 */
export function typedTurn(id, text, interrupting = false) {
  return [
    ...(interrupting ? [{ type: "response.cancel" }] : []),
    userItem(id, [{ type: "input_text", text }]),
    { type: "response.create" },
  ];
}

/** A content part that is a sound: base64 of 16-bit mono samples at 24 kHz. */
export function soundPart(audio) {
  return { type: "input_audio", audio, transcript: null };
}

/** A content part that is a picture, as a data URL. */
export function imagePart(url) {
  return { type: "input_image", image_url: url };
}

/** The events that silence the assistant: it stops making sound, and what is already made is not played. */
export function interruption() {
  return [{ type: "response.cancel" }, { type: "output_audio_buffer.clear" }];
}

/** The event that ends one response, such as music that plays. */
export function cancellation(responseId) {
  return { type: "response.cancel", response_id: responseId };
}

/** Asks what of an item the server's history holds. */
export function retrieval(id) {
  return { type: "conversation.item.retrieve", item_id: id };
}

/** The settings that are the session's, not the page's. */
export const SESSION_SETTINGS = ["voice", "speed", "instructions", "eagerness", "pushToTalk"];

/**
 * The `session.update` that carries these of the settings; null where they name nothing to say.
 *
 * `voice` empty: `defaultVoice`, or nothing where none is known.
 */
export function sessionUpdate(settings, names, defaultVoice = "") {
  const wanted = new Set(names);
  const output = {};
  const voice = settings.voice || defaultVoice;
  if (wanted.has("voice") && voice) output.voice = voice;
  if (wanted.has("speed")) output.speed = settings.speed;
  const turnDetection = wanted.has("eagerness") || wanted.has("pushToTalk");
  const audio = {
    ...(turnDetection && { input: { turn_detection: turnDetectionOf(settings) } }),
    ...(Object.keys(output).length && { output }),
  };
  const session = {
    type: "realtime",
    ...(wanted.has("instructions") && { instructions: settings.instructions }),
    ...(Object.keys(audio).length && { audio }),
  };
  return Object.keys(session).length > 1 ? { type: "session.update", session } : null;
}

/** Null: the person says by a key when a turn begins and ends. */
function turnDetectionOf({ pushToTalk, eagerness }) {
  return pushToTalk ? null : { type: "semantic_vad", eagerness };
}
