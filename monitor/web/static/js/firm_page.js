// A unit's desk, live. Whoever is choosing a cause is not disturbed by what comes.
import "./common.js";
import { act, say } from "./act.js";
import { openByRow } from "./alert_rows.js";
import { Feed } from "./feed.js";
import { install } from "./pwa.js";
import { refresh } from "./regions.js";

const EVERY_MS = 10_000;
const LEFT_MS = 120_000; // nobody has touched it: nobody is disturbed
const news = document.getElementById("news");
let waiting;
let again = false;
let touched = performance.now();

// By identity: a part that is renewed is another element.
const open = () => document.getElementById("open");

function busy() {
  if (performance.now() - touched > LEFT_MS) return false;
  return open().querySelector(".causes details[open], .big > details[open]") !== null;
}

async function renew() {
  again = false;
  news.hidden = true;
  await refresh(location.pathname + location.search).catch(() => {});
}

// What is held back is said, and comes when it is asked for.
function hear(heard) {
  if (!busy()) return renew();
  again = true;
  if (heard) news.hidden = false;
  return undefined;
}

new Feed(open().dataset.cursor, (event) => {
  if (event.alert_id === null) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => hear(true), 150);
});

document.addEventListener("submit", async (event) => {
  const button = event.submitter;
  const found = /^\/firm\/alerts\/(\d+)\/(\w+)$/.exec(event.target.getAttribute("action") ?? "");
  const listed = button?.matches("[data-acknowledge]");
  if (!found && !listed) return;
  event.preventDefault();
  const fields = new FormData(event.target, button);
  const cause = [fields.get("cause"), fields.get("more")].filter(Boolean).join(": ");
  button.disabled = true;
  const id = found ? found[1] : event.target.closest("tr").dataset.id;
  const result = await act(id, found ? found[2] : "acknowledge", cause ? { cause } : {});
  button.disabled = false;
  say(result);
  for (const details of event.target.closest("article")?.querySelectorAll("details") ?? []) {
    if (result.ok) details.open = false;
  }
  await hear(false);
});

news.addEventListener("click", renew);
for (const name of ["pointerdown", "keydown", "input", "wheel"]) {
  addEventListener(name, () => (touched = performance.now()), { passive: true, capture: true });
}
openByRow(document);

setInterval(() => {
  if (again && !busy()) renew();
}, 500);
setInterval(() => {
  if (!document.hidden) hear(false);
}, EVERY_MS);
install();
