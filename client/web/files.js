// Files of the server's: fetched with the same key as the call, played, shown or kept under the name it gives them.

import { accessKey, authorization } from "./access.js";
import { element } from "./dom.js";

/** A file that could not be had; the message says why and what can be done. */
export class FileError extends Error {}

/** The file name in a Content-Disposition header, or "". Pure. */
export function nameIn(header) {
  const encoded = /filename\*\s*=\s*utf-8''([^;]+)/i.exec(header ?? "")?.[1];
  const plain = /filename\s*=\s*(?:"([^"]*)"|([^;\s]+))/i.exec(header ?? "");
  try {
    return encoded ? decodeURIComponent(encoded) : (plain?.[1] ?? plain?.[2] ?? "");
  } catch {
    return plain?.[1] ?? plain?.[2] ?? "";
  }
}

async function fetchFile(url) {
  let response;
  try {
    response = await fetch(url, { headers: authorization() });
  } catch {
    throw new FileError("The server cannot be reached. Try again when the connection is back.");
  }
  if (!response.ok) {
    const body = await response.json().catch(() => null);
    const gone = [404, 410].includes(response.status) ? "It is not there any more: files are kept for as long as their conversation." : "";
    throw new FileError(body?.error?.message || gone || `The server does not give it (HTTP ${response.status}).`);
  }
  return { blob: await response.blob(), name: nameIn(response.headers.get("Content-Disposition")) };
}

/** A URL that an element can play or show: the server's own, or where that wants a key, a copy of the file. */
export async function playable(url) {
  return accessKey() ? URL.createObjectURL((await fetchFile(url)).blob) : url;
}

/** Lets go of what `playable` gave. */
export function release(url) {
  if (url?.startsWith("blob:")) URL.revokeObjectURL(url);
}

/** Keeps the file at `url`, under the server's name for it or `name`. */
export async function download(url, name) {
  const file = await fetchFile(url);
  const href = URL.createObjectURL(file.blob);
  element("a", { href, download: file.name || name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000); // after the browser has read it
}
