// Time as the service has it, and everything on the page that counts up or down.
import { _ } from "./texts.js";

let offset = Number(document.documentElement.dataset.now) - Date.now();

export function now() {
  return Date.now() + offset;
}

// A small correction is not worth a jump of every countdown.
export function tellTime(serviceMs) {
  const seen = serviceMs - Date.now();
  if (Math.abs(seen - offset) > 250) offset = seen;
}

const two = (n) => String(n).padStart(2, "0");

export function duration(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return _("%(s)d s", { s });
  if (s < 3600) return _("%(m)d min %(s)02d s", { m: Math.floor(s / 60), s: s % 60 });
  if (s < 86400) {
    return _("%(h)d h %(m)02d min", { h: Math.floor(s / 3600), m: Math.floor(s / 60) % 60 });
  }
  return _("%(d)d d %(h)d h", { d: Math.floor(s / 86400), h: Math.floor(s / 3600) % 24 });
}

export function countdown(ms) {
  const s = Math.abs(Math.round(ms / 1000));
  const hours = Math.floor(s / 3600);
  const rest = `${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  return (ms < 0 ? "+" : "") + (hours ? `${hours}:${rest}` : rest);
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function tick(root = document) {
  const at = now();
  for (const element of root.querySelectorAll("[data-age]")) {
    setText(element, duration(at - Number(element.dataset.age)));
  }
  for (const element of root.querySelectorAll("[data-due]")) {
    const left = Number(element.dataset.due) - at;
    setText(element, countdown(left));
    element.dataset.over = left < 0 ? "yes" : "no";
    if (left < 0) element.title = _("overdue");
  }
}

tick();
setInterval(tick, 1000);
