// Microphones and loudspeakers: opening, choosing, noticing that one went away.

import { insecureContext, microphoneFailure } from "./failures.js";
import { element } from "./dom.js";

/** Fills `select` with what is plugged in of this kind ("audioinput" or "audiooutput"); `chosen` is selected. */
export async function listDevices(select, kind, chosen) {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.().catch(() => [])) ?? [];
  // Before permission the browser gives one nameless entry; two more ids only repeat a device.
  const named = devices.filter((device) =>
    device.kind === kind && !["", "default", "communications"].includes(device.deviceId));
  const what = kind === "audioinput" ? "Microphone" : "Loudspeaker";
  const options = named.map(({ deviceId, label }, index) =>
    element("option", { value: deviceId }, label || `${what} ${index + 1}`));
  select.replaceChildren(element("option", { value: "" }, "Default"), ...options);
  select.value = named.some((device) => device.deviceId === chosen) ? chosen : "";
}

/** The person's microphone. At most one is open. */
export class Microphone {
  #onLost;
  stream = null;

  /** `onLost()` runs when the open one vanishes. */
  constructor({ onLost }) {
    this.#onLost = onLost;
  }

  /** The open track, or null. */
  get track() {
    return this.stream?.getAudioTracks()[0] ?? null;
  }

  /** Opens the microphone `wanted`, where it is there, and closes the last one. Rejects with a CallFailure. */
  async open(wanted) {
    if (!navigator.mediaDevices?.getUserMedia) throw insecureContext(location.origin);
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        audio: {
          deviceId: wanted ? { ideal: wanted } : undefined,
          echoCancellation: true,
          noiseSuppression: true,
          autoGainControl: true,
        },
      });
    } catch (error) {
      throw microphoneFailure(error);
    }
    this.close();
    this.stream = stream;
    this.track.addEventListener("ended", () => this.stream === stream && this.#onLost());
    return this.track;
  }

  /** Lets go of the microphone, so that the browser's recording sign goes out. */
  close() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
  }
}
