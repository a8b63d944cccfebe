// A dropped file as a part of the conversation: sounds become 24 kHz mono, pictures a JPEG of bounded size.

import { WIRE_RATE, encodePcm } from "./pcm.js";
import { imagePart, soundPart } from "./commands.js";

const MOST_SECONDS = 60; // of a sound; the rest is left out, and said
const MOST_PIXELS = 1024; // of a picture's longer side
const MOST_BYTES = 64 * 2 ** 20; // of a file; an hour of MP3, and what a decoder can hold in memory
const QUALITY = 0.85;
const PEAKS = 96; // bars of the small picture of a sound

/** A file that cannot be used; the message says why and what can. */
export class AttachmentError extends Error {}

/** The size of a picture of `width` x `height` within `most` pixels a side. Pure. */
export function within(width, height, most = MOST_PIXELS) {
  const scale = Math.min(1, most / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** `count` loudest samples, one a stretch, 0..1 with the loudest at 1. Pure. */
export function peaksOf(samples, count = PEAKS) {
  const step = samples.length / count;
  const peaks = Array.from({ length: count }, (_, index) =>
    samples.subarray(Math.floor(index * step), Math.floor((index + 1) * step)).reduce((most, sample) => Math.max(most, Math.abs(sample)), 0));
  const loudest = Math.max(...peaks, 1e-6);
  return peaks.map((peak) => peak / loudest);
}

/** One channel from several. Pure. */
export function mixed(channels) {
  if (channels.length === 1) return channels[0];
  return channels[0].map((_, index) => channels.reduce((sum, channel) => sum + channel[index], 0) / channels.length);
}

/**
 * Reads a file: {content, media, name, preview, durationMs, note}. `content` are the protocol's parts, `preview` a
 * data URL or the peaks of a sound, `note` says what was left out. Rejects with an AttachmentError.
 */
export async function readAttachment(file) {
  if (file.size > MOST_BYTES) throw new AttachmentError(`${file.name} is larger than ${MOST_BYTES / 2 ** 20} MB.`);
  if (file.type.startsWith("image/")) return readImage(file);
  if (/^(audio|video)\//.test(file.type)) return readSound(file);
  throw new AttachmentError(`${file.name || "That"} is neither a sound nor a picture.`);
}

async function readSound(file) {
  let decoded;
  try {
    decoded = await new OfflineAudioContext(1, 1, WIRE_RATE).decodeAudioData(await file.arrayBuffer());
  } catch {
    throw new AttachmentError(`${file.name} cannot be decoded here. WAV, MP3, Ogg, FLAC and M4A usually can.`);
  }
  const most = MOST_SECONDS * WIRE_RATE;
  const channels = Array.from({ length: decoded.numberOfChannels }, (_, index) => decoded.getChannelData(index).subarray(0, most));
  const samples = mixed(channels);
  if (samples.length === 0) throw new AttachmentError(`${file.name} has no sound in it.`);
  return {
    content: [soundPart(encodePcm(samples))],
    media: "sound",
    name: file.name,
    preview: peaksOf(samples),
    durationMs: (samples.length / WIRE_RATE) * 1000,
    note: decoded.length > most ? `Only the first ${MOST_SECONDS} seconds of ${file.name} were taken.` : "",
  };
}

async function readImage(file) {
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    throw new AttachmentError(`${file.name} cannot be opened here. JPEG, PNG and WebP usually can.`);
  }
  const size = within(picture.width, picture.height);
  const canvas = Object.assign(document.createElement("canvas"), size);
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff"; // JPEG has no transparency: what one saw through is white, not black
  pen.fillRect(0, 0, size.width, size.height);
  pen.drawImage(picture, 0, 0, size.width, size.height);
  picture.close();
  const url = canvas.toDataURL("image/jpeg", QUALITY);
  return { content: [imagePart(url)], media: "image", name: file.name, preview: url, durationMs: null, note: "" };
}
