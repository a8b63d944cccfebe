// Light, dark, or as the system says.

import { element } from "./dom.js";
import { keep, remember } from "./storage.js";

const CHOICES = ["auto", "light", "dark"];
const NAMES = { auto: "Auto", light: "Light", dark: "Dark" };
const SIGNS = { auto: "◐", light: "○", dark: "●" };

/** Lets `button` walk through the themes; the choice survives a reload. */
export function themeButton(button) {
  let choice = CHOICES.includes(remember("theme")) ? remember("theme") : "auto";
  const show = () => {
    document.documentElement.dataset.theme = choice;
    button.replaceChildren(SIGNS[choice], element("span", {}, ` ${NAMES[choice]}`));
    button.setAttribute("aria-label", `Theme: ${NAMES[choice]}`);
  };
  button.addEventListener("click", () => {
    choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
    keep("theme", choice);
    show();
  });
  show();
}
