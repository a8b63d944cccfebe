// Files into the page: dropped on it, pasted, or chosen with the button beside the text box.

const MOST_FILES = 4; // at once

/** Hands files to `take(files)`; `veil` is shown while something is held over the page. */
export function dropZone({ veil, button, input, take }) {
  let depth = 0; // dragenter and dragleave also come for every element inside
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  const hold = (change) => {
    depth = Math.max(0, change);
    veil.hidden = depth === 0;
  };
  const hand = (files) => files.length && take([...files].slice(0, MOST_FILES));

  document.addEventListener("dragenter", (event) => carriesFiles(event) && hold(depth + 1));
  document.addEventListener("dragleave", (event) => carriesFiles(event) && hold(depth - 1));
  document.addEventListener("dragover", (event) => {
    if (carriesFiles(event)) event.preventDefault(); // or the browser opens the file instead of the page
  });
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    hold(0);
    hand(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData?.files.length) event.preventDefault();
    hand(event.clipboardData?.files ?? []);
  });
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    hand(input.files);
    input.value = "";
  });
}
