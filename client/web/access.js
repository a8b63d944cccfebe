// The key of a server that wants one. It is kept for this tab alone, and goes nowhere but to this server.

const NAME = "audiogpt.key";
let key = "";

try {
  key = sessionStorage.getItem(NAME) ?? "";
} catch {
  // Storage is forbidden: the key lasts until the page is left.
}

/** The key, or "". */
export const accessKey = () => key;

export function setAccessKey(value) {
  key = value.trim();
  try {
    sessionStorage.setItem(NAME, key);
  } catch {
    // As above.
  }
}

/** The headers of a request. */
export const authorization = () => (key ? { Authorization: `Bearer ${key}` } : {});

/** The subprotocols of a WebSocket: a browser lets a page set no headers there. */
export const subprotocols = () => ["realtime", ...(key ? [`openai-insecure-api-key.${key}`] : [])];
