// The sheet in which one chooses: every field is a setting of the same name, and takes effect at once.

import { accessKey, setAccessKey } from "./access.js";
import { listDevices } from "./devices.js";
import { byId, element, setText } from "./dom.js";

/** Binds the fields of the sheet to `settings`. */
export class SettingsSheet {
  #sheet = byId("settings-sheet");
  #settings;
  #voices = null;

  constructor(settings) {
    this.#settings = settings;
    for (const field of this.#fields()) {
      show(field, settings.values[field.name]);
      field.addEventListener(field.matches("textarea") ? "change" : "input", () => settings.set(field.name, valueOf(field)));
    }
    settings.watch(() => this.#tell());
    const key = byId("key");
    key.value = accessKey();
    key.addEventListener("change", () => setAccessKey(key.value));
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.listDevices());
    this.#tell();
    this.listDevices();
  }

  open() {
    byId("key-field").hidden = !accessKey();
    this.#sheet.showModal();
  }

  /** Opens where the key is entered. */
  askForKey() {
    this.#sheet.showModal();
    byId("key-field").hidden = false;
    byId("key").focus();
  }

  /** Fills the lists of devices; their names are only given once permission is. */
  async listDevices() {
    const { microphone, speaker } = this.#settings.values;
    await Promise.all([
      listDevices(byId("microphone"), "audioinput", microphone),
      listDevices(byId("speaker"), "audiooutput", speaker),
    ]);
    byId("speaker").disabled = !("setSinkId" in HTMLMediaElement.prototype);
  }

  /** Offers `voices`, the first of them the default, and the one chosen, whoever has it. */
  offerVoices(voices) {
    const { voice } = this.#settings.values;
    const key = JSON.stringify([voices, voice]);
    if (key === this.#voices) return;
    this.#voices = key;
    const names = [...new Set([...voices, ...(voice ? [voice] : [])])];
    const standard = voices[0] ? `Default (${voices[0]})` : "Default";
    byId("voice").replaceChildren(
      element("option", { value: "" }, standard), ...names.map((name) => element("option", { value: name }, name)));
    byId("voice").value = voice;
  }

  #fields() {
    return [...this.#sheet.querySelectorAll("[name]")];
  }

  #tell() {
    setText(byId("speed-shown"), `${this.#settings.values.speed.toFixed(2)}×`);
    byId("eagerness").disabled = this.#settings.values.pushToTalk;
  }
}

function show(field, value) {
  if (field.type === "checkbox") field.checked = value;
  else field.value = value;
}

function valueOf(field) {
  return field.type === "checkbox" ? field.checked : field.value;
}
