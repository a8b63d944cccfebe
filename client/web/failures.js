// Every way in which a call can fail, in words that say what happened and what to do. Pure.
//
// `retry` tells the connection what makes sense: "auto" (wait and try again), "ask" (the person decides).

/** A failure with a `code`, a `title`, a `text` with the remedy, and whether to retry. */
export class CallFailure extends Error {
  constructor(code, { title, text, retry, after = null }) {
    super(title);
    Object.assign(this, { name: "CallFailure", code, title, text, retry, after });
  }
}

const MICROPHONE = {
  NotAllowedError: {
    code: "mic-refused",
    title: "The microphone is blocked",
    text: "Allow it in the browser’s site settings (the icon beside the address), then try again. You can also type, and still hear the answers.",
  },
  NotFoundError: {
    code: "mic-missing",
    title: "No microphone was found",
    text: "Plug one in or switch it on, then try again. You can also type, and still hear the answers.",
  },
  NotReadableError: {
    code: "mic-busy",
    title: "The microphone is in use",
    text: "Another program or tab is holding it. Close that one, then try again. Or type below.",
  },
  OverconstrainedError: {
    code: "mic-gone",
    title: "That microphone is no longer there",
    text: "Choose another one in the settings, then try again.",
  },
};

/** The failure behind a rejected getUserMedia. */
export function microphoneFailure(error) {
  const { code, title, text } = MICROPHONE[error?.name] ?? {
    code: "mic-failed",
    title: "The microphone could not be opened",
    text: `The browser says: ${error?.message || "no reason"}. Try again, or type below.`,
  };
  return new CallFailure(code, { title, text, retry: "ask" });
}

/** Browsers give microphones only to https pages and to localhost. */
export function insecureContext(address) {
  return new CallFailure("insecure", {
    title: "The microphone needs a secure page",
    text: `Browsers give it only to https:// and localhost, and this page is ${address}. Open it over https to talk. Typing works here.`,
    retry: "ask",
  });
}

/** The server did not answer at all. */
export function unreachable() {
  return new CallFailure("unreachable", {
    title: "The server can’t be reached",
    text: "It may be restarting, or the network is down.",
    retry: "auto",
  });
}

/** The call was up and the network took it away. */
export function dropped() {
  return new CallFailure("dropped", {
    title: "The connection was lost",
    text: "The network dropped, or the server went away.",
    retry: "auto",
  });
}

/** As an event of the server's: what was sent under `eventId` is too large for this call. */
export function tooLarge(eventId, bytes, limit = null) {
  const size = (count) => `${(count / 1e6).toFixed(1)} MB`;
  const most = limit ? `; this call carries ${size(limit)} at a time` : "";
  const message = `This is too large for the server (${size(bytes)}${most}). A shorter sound or a smaller picture may pass.`;
  return { type: "error", error: { type: "invalid_request_error", code: "event_too_large", message, event_id: eventId, param: null } };
}

/** The call that was to be taken up is over. The connection begins a new one by itself. */
export function gone() {
  return new CallFailure("gone", {
    title: "The conversation has ended",
    text: "The server waited for you and has let it go.",
    retry: "auto",
  });
}

/** Signalling worked but no sound can travel. */
export function noPath() {
  return new CallFailure("no-path", {
    title: "Sound can’t get through",
    text: "The server answers, but this network lets no call through to it. A firewall or VPN often blocks UDP.",
    retry: "auto",
  });
}

/** The failure behind an HTTP answer other than 201. `after` is in milliseconds. */
export function refused(status, message, after) {
  if (status === 503) {
    return new CallFailure("full", {
      title: "Everyone is being served right now",
      text: message || "The server has no free place.",
      retry: "auto",
      after,
    });
  }
  if (status === 401 || status === 403) {
    return new CallFailure("forbidden", {
      title: "This server needs a key",
      text: message || "It refused the call. Enter the key, or ask whoever runs it for one.",
      retry: "ask",
    });
  }
  return new CallFailure("refused", {
    title: "The server refused the call",
    text: `${message || "It gave no reason"} (HTTP ${status}).`,
    retry: status >= 500 || status === 429 ? "auto" : "ask",
    after: status === 429 ? after : null,
  });
}
