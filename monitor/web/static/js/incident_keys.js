// A letter leads to a step's button, Enter presses it. Who does not want that switches it off.
import { typing } from "./typing.js";

const OFF = "keys-off";

export function listenKeys(page, replay) {
  const help = document.getElementById("keys");
  const choice = help.querySelector("[name=keys]");
  const off = () => localStorage.getItem(OFF) === "yes";
  choice.checked = !off();
  choice.addEventListener("change", () => localStorage.setItem(OFF, choice.checked ? "no" : "yes"));
  document.getElementById("keys-open").addEventListener("click", () => help.showModal());

  // A cause has to be chosen first, a comment to be written: there the key leads.
  function lead(key) {
    const button = page.querySelector(`button[data-key="${key}"]`);
    if (!button) return false;
    const form = button.form;
    const first = form.querySelector("input[type=radio]:not(:checked)");
    const chosen = form.querySelector("input[type=radio]:checked");
    const missing = [...form.querySelectorAll("[required]")].find((field) => !field.value);
    if (first && !chosen) first.focus();
    else (missing ?? button).focus();
    (missing ?? button).scrollIntoView({ block: "nearest" });
    return true;
  }

  function note() {
    const details = page.querySelector("#note details");
    if (!details) return false;
    details.open = true;
    details.querySelector("textarea").focus();
    return true;
  }

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || off()) return;
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    let done = true;
    if (event.key === "?") help.showModal();
    else if (event.key === "n") done = note();
    else if (event.key === "p") replay?.player?.toggle();
    else if (event.key === "ArrowLeft" && event.target.type !== "range") replay?.player?.back();
    else if (event.key === "ArrowRight" && event.target.type !== "range") replay?.player?.on();
    else if (/^[a-z]$/.test(event.key)) done = lead(event.key);
    else done = false;
    if (done) event.preventDefault();
  });
}
