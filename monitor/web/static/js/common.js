// On every page: the theme button and everything that ticks.
import "./clock.js";

const order = ["auto", "light", "dark"];
const root = document.documentElement;

document.getElementById("theme")?.addEventListener("click", () => {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const shown = root.dataset.theme === "auto" ? (dark ? "dark" : "light") : root.dataset.theme;
  // From what is shown to its contrary; back to "auto" where the system shows that anyway.
  const wanted = shown === "dark" ? "light" : "dark";
  root.dataset.theme = (wanted === "dark") === dark ? order[0] : wanted;
  document.cookie = `theme=${root.dataset.theme};path=/;max-age=31536000;samesite=lax`;
  document.dispatchEvent(new CustomEvent("theme"));
});
