// Light, dark, or as the system says.

/** Shows the page in the theme `choice`: "auto", "light" or "dark". */
export function applyTheme(choice) {
  document.documentElement.dataset.theme = choice;
}
