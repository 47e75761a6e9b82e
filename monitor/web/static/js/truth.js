// What the desk says of itself: title and icon with what still calls, the service's parts in one
// line, the clocks. An old list never looks like a live one.
import { now } from "./clock.js";
import { _ } from "./texts.js";

const EVERY_MS = 15_000;
const CLOCK_S = 5;
const strip = document.getElementById("health");
const title = document.title;
const icon = document.querySelector("link[rel=icon]");
const calm = icon?.href;
const zone = document.documentElement.dataset.zone;
let shown = "";

function draw(count, stale) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 32;
  const to = canvas.getContext("2d");
  to.fillStyle = stale ? "#6b7680" : "#b8142a";
  if (stale) to.fillRect(1, 1, 30, 30);
  else {
    to.beginPath();
    to.arc(16, 16, 15, 0, 7);
    to.fill();
  }
  to.fillStyle = "#fff";
  to.font = "bold 19px sans-serif";
  to.textAlign = "center";
  to.textBaseline = "middle";
  to.fillText(stale ? "?" : count > 99 ? "99" : String(count), 16, 17);
  return canvas.toDataURL();
}

export function showTitle(count, stale) {
  const key = `${count} ${stale}`;
  if (key === shown) return;
  shown = key;
  const number = count ? `(${count}) ` : "";
  document.title = stale ? `⚠ ${_("not live")} ${number}${title}` : number + title;
  if (icon) icon.href = count || stale ? draw(count, stale) : calm;
}

function clocks() {
  const at = now();
  const time = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: zone }).format(at);
  const off = Math.round((Date.now() - at) / 1000);
  const wrong = Math.abs(off) >= CLOCK_S;
  const part = document.getElementById("desk-clock") ?? document.createElement("span");
  part.id = "desk-clock";
  part.className = wrong ? "part ill" : "part";
  part.textContent = wrong
    ? _("%(time)s (this computer's clock is off by %(s)d s)", { time, s: off })
    : time;
  part.title = _("the service's clock, in the site's time zone");
  if (part.parentElement !== strip) strip.append(part);
}

async function health() {
  try {
    const answer = await fetch("/alerts/health");
    if (answer.redirected || answer.status === 401) location.reload();
    if (!answer.ok) throw new Error(String(answer.status));
    const html = await answer.text();
    const page = new DOMParser().parseFromString(html, "text/html");
    strip.replaceChildren(...page.body.childNodes);
    strip.dataset.state = "known";
  } catch {
    strip.dataset.state = "unknown"; // what was well some time ago is not well now
  }
  clocks();
}

export function watchHealth() {
  if (!strip) return;
  health();
  setInterval(() => document.hidden || health(), EVERY_MS);
  setInterval(clocks, 1000);
}
