// Settings that survive a reload. Storage can be missing, full or forbidden: then they last for the visit.

const PREFIX = "audiogpt.";
const fallback = new Map();

/** The setting `name`, or `otherwise`. */
export function remember(name, otherwise = "") {
  try {
    return localStorage.getItem(PREFIX + name) ?? fallback.get(name) ?? otherwise;
  } catch {
    return fallback.get(name) ?? otherwise;
  }
}

/** Keeps the setting `name`. */
export function keep(name, value) {
  fallback.set(name, value);
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // Private windows and full disks refuse; the copy above serves this visit.
  }
}
