// The microphone: opening it, choosing it, noticing that it went away.

import { insecureContext, microphoneFailure } from "./failures.js";
import { element } from "./dom.js";
import { keep, remember } from "./storage.js";

/** The person's microphone. At most one is open. */
export class Microphone {
  #select;
  #onLost;
  #onChoice;
  stream = null;

  /** `select` lists the microphones; `onChoice()` runs when another is chosen, `onLost()` when it vanishes. */
  constructor(select, { onChoice, onLost }) {
    this.#select = select;
    this.#onChoice = onChoice;
    this.#onLost = onLost;
    select.addEventListener("change", () => {
      keep("microphone", select.value);
      this.#onChoice();
    });
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.list());
    this.list();
  }

  /** The open track, or null. */
  get track() {
    return this.stream?.getAudioTracks()[0] ?? null;
  }

  /** Opens the chosen microphone and closes the last one. Rejects with a CallFailure. */
  async open() {
    if (!navigator.mediaDevices?.getUserMedia) throw insecureContext(location.origin);
    const wanted = this.#select.value;
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        audio: {
          deviceId: wanted ? { exact: wanted } : undefined,
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
    await this.list(); // names are only given once permission is
    return this.track;
  }

  /** Lets go of the microphone, so that the browser's recording sign goes out. */
  close() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
  }

  /** Fills the list with what is plugged in. */
  async list() {
    const devices = (await navigator.mediaDevices?.enumerateDevices?.().catch(() => [])) ?? [];
    const chosen = remember("microphone");
    // Before permission the browser gives one nameless entry; two more ids only repeat a device.
    const named = devices.filter(({ kind, deviceId }) =>
      kind === "audioinput" && !["", "default", "communications"].includes(deviceId));
    const options = named.map(({ deviceId, label }, index) =>
      element("option", { value: deviceId }, label || `Microphone ${index + 1}`));
    this.#select.replaceChildren(element("option", { value: "" }, "Default"), ...options);
    this.#select.value = named.some((device) => device.deviceId === chosen) ? chosen : "";
  }
}
