// The lift, drawn: car, door and floor follow what it says; when it says nothing, it turns grey.
// Its past comes in parts, each drawn by the service and fetched when it is opened.
import "./common.js";
import { tellTime, tick } from "./clock.js";
import { refresh } from "./regions.js";
import { showStale } from "./staleness.js";
import { local, progressWords, watchStrips } from "./strips.js";

const page = document.getElementById("lift");
const shaft = document.getElementById("shaft");
const part = document.getElementById("part");
const EVERY_MS = 1000;
const FOLLOW_MS = 10_000;

function place(live) {
  const { lo, hi, top, step } = shaft.dataset;
  const car = shaft.querySelector(".car");
  const floor = Math.min(Number(hi), Math.max(Number(lo), live.position ?? Number(lo)));
  const y = Number(top) + (Number(hi) - floor) * Number(step);
  car.style.transform = `translateY(${y}px)`;
  shaft.dataset.state = live.state;
  shaft.dataset.door = live.door;
  shaft.dataset.direction = live.direction;
  shaft.dataset.people = live.people > 0 || live.passenger ? "yes" : "no";
  shaft.dataset.power = live.power === 0 ? "main" : "other";
  shaft.dataset.mode = live.mode;
  shaft.querySelector(".car-floor").textContent = live.position === null ? "?" : live.position;
  shaft.querySelector(".load-fill").setAttribute("transform", `scale(1 ${(live.load ?? 0) / 100})`);
  page.classList.toggle("is-old", !live.fresh);
}

function say(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

function tell(live) {
  for (const [name, words] of Object.entries(live.words)) {
    const cell = document.querySelector(`[data-channel="${name}"]`);
    if (!cell) continue;
    say(cell.querySelector(".v"), words.value);
    say(cell.querySelector(".ago"), words.ago);
    cell.classList.toggle("old", words.old);
  }
  const percent = (value) => (value === null ? "–" : `${value} %`);
  const words = { ...live, load_word: percent(live.load), battery_word: percent(live.battery) };
  for (const cell of document.querySelectorAll("[data-live-word]")) {
    say(cell, words[cell.dataset.liveWord] || "–");
  }
  document.getElementById("load").setAttribute("width", Math.min(100, live.load ?? 0));
  const state = document.getElementById("live-state");
  say(state, live.state_word);
  state.className = `chip ${live.state_tone}`;
}

async function look() {
  try {
    const answer = await fetch(`/lifts/${page.dataset.reg}/live`);
    if (answer.status === 401) location.reload();
    const live = await answer.json();
    tellTime(live.now_ms);
    place(live);
    tell(live);
    showStale("lift", "");
    if (live.alerts !== page.dataset.alerts) {
      page.dataset.alerts = live.alerts;
      await refresh();
    }
  } catch {
    shaft.dataset.state = "stale";
    page.classList.add("is-old");
    document.getElementById("live-state").className = "chip";
    showStale("lift", page.dataset.lost);
  } finally {
    setTimeout(look, document.hidden ? 5 * EVERY_MS : EVERY_MS);
  }
}

// ---- parts ------------------------------------------------------------------------------------

let strips;
let asked = 0;

async function open(address, { push = true, focus = false } = {}) {
  const number = ++asked;
  const url = new URL(address, location.href);
  const from = new URL(url);
  from.pathname = `/lifts/${page.dataset.reg}/part`;
  part.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(from);
    if (answer.redirected || answer.status === 401) location.reload();
    const text = await answer.text();
    if (number !== asked) return;
    if (!answer.ok) throw new Error(String(answer.status));
    part.innerHTML = text;
    if (push) history.pushState(null, "", url);
  } catch {
    if (number === asked) complain();
    return; // what stands there is as it was
  } finally {
    if (number === asked) part.removeAttribute("aria-busy");
  }
  const tab = url.searchParams.get("tab") ?? "charts";
  part.dataset.tab = tab;
  for (const link of document.querySelectorAll(".tabs a")) {
    if (link.dataset.tab === tab) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  ready();
  if (focus) document.getElementById("strips")?.focus({ preventScroll: true });
}

function complain() {
  if (part.querySelector(":scope > .notice.bad")) return;
  const told = document.createElement("p");
  told.className = "notice bad";
  told.setAttribute("role", "alert");
  told.textContent = part.dataset.failed;
  part.prepend(told);
}

function go(fromMs, toMs) {
  const url = new URL(location.href);
  url.searchParams.delete("range");
  url.searchParams.set("tab", "charts");
  url.searchParams.set("from", local(Math.round(fromMs)));
  url.searchParams.set("to", local(Math.round(toMs)));
  open(url, { focus: document.activeElement?.id === "strips" });
}

function ready() {
  tick(part);
  strips = watchStrips(part, go);
  document.getElementById("export")?.addEventListener("submit", (event) => follow(event.target));
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-part], .tabs a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  open(link.href);
});
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-part-form]")) return;
  event.preventDefault();
  open(`?${new URLSearchParams(new FormData(event.target))}`);
});
addEventListener("popstate", () => open(location.href, { push: false }));

// A chart that ends now goes on, unless somebody is reading it.
setInterval(() => {
  const charts = document.getElementById("charts");
  if (charts?.dataset.follows !== "yes" || document.hidden || strips?.busy()) return;
  if (part.contains(document.activeElement) || part.hasAttribute("aria-busy")) return;
  open(location.href, { push: false });
}, FOLLOW_MS);

// The browser saves the file; how far it is, the service tells.
function follow(form) {
  const key = `${Date.now()}-${Math.random().toString(36).slice(2)}`; // a name, no secret
  form.elements.key.value = key;
  const line = form.querySelector(".progress-line");
  line.hidden = false;
  const bar = line.querySelector("progress");
  bar.value = 0;
  const ask = async () => {
    const answer = await fetch(`/api/v1/lifts/${form.dataset.reg}/export/${key}`);
    if (answer.ok) {
      const told = await answer.json();
      bar.value = told.share;
      say(line.querySelector("span"), progressWords(told));
      if (told.state !== "running") return;
    }
    setTimeout(ask, EVERY_MS);
  };
  setTimeout(ask, EVERY_MS / 4);
}

look();
ready();
