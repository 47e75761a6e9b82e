// A unit's desk, live. Whoever is choosing a cause is not disturbed by what comes.
import "./common.js";
import { act, say } from "./act.js";
import { Feed } from "./feed.js";
import { install } from "./pwa.js";
import { refresh } from "./regions.js";

const EVERY_MS = 10_000;
let waiting;
let again = false;

// By identity: a part that is renewed is another element.
const open = () => document.getElementById("open");

function busy() {
  return open().querySelector(".causes details[open], .big > details[open]") !== null;
}

async function renew() {
  if (busy()) {
    again = true;
    return;
  }
  again = false;
  const opened = [...document.querySelectorAll("#states details[open]")].map(
    (one) => one.parentElement.className,
  );
  await refresh(location.pathname + location.search).catch(() => {});
  for (const name of opened) {
    document.querySelector(`#states li[class="${name}"] details`)?.setAttribute("open", "");
  }
}

new Feed(open().dataset.cursor, (event) => {
  if (event.alert_id === null) return;
  clearTimeout(waiting);
  waiting = setTimeout(renew, 150);
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
  await renew();
});

document.addEventListener("click", (event) => {
  const row = event.target.closest("table.alerts tbody tr");
  if (!row || event.target.closest("a, button, form") || String(getSelection())) return;
  row.querySelector("a.what")?.click();
});

setInterval(() => {
  if (again && !busy()) renew();
}, 500);
setInterval(() => {
  if (!document.hidden) renew();
}, EVERY_MS);
install();
