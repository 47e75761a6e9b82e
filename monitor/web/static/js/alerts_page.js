// The alert list, live.
import "./common.js";
import { act, say } from "./act.js";
import { tick } from "./clock.js";
import { Feed } from "./feed.js";
import { listen } from "./keys.js";
import { Rows } from "./rows.js";
import { Sound } from "./sound.js";
import { ngettext } from "./texts.js";

const ORDER = ["critical", "major", "minor", "info"];
const table = document.getElementById("alerts");
const news = document.getElementById("news");
const empty = document.getElementById("empty");
const sound = new Sound(
  document.getElementById("sound"),
  document.getElementById("sound-test"),
);
const rows = new Rows(table, announce);
const wanted = new Set();
let busy = false;

function announce(held) {
  empty.hidden = rows.body.rows.length > 0 || held.length > 0;
  news.hidden = !held.length;
  if (!held.length) return;
  const top = ORDER.find((severity) => held.some((row) => row.dataset.severity === severity));
  news.className = `news sev-${top}`;
  news.textContent = ngettext("%(num)d new alert: show", "%(num)d new alerts: show", held.length);
}

// Rows are rendered by the service: one template, one wording. Asked for in groups, so that a
// flood of events is a trickle of requests.
async function fetchRows() {
  if (busy || !wanted.size) return;
  busy = true;
  const asked = new Set([...wanted].slice(0, 100));
  asked.forEach((id) => wanted.delete(id));
  try {
    const query = new URLSearchParams(table.dataset.query);
    query.set("ids", [...asked].join(","));
    const answer = await fetch(`/alerts/rows?${query}`);
    if (answer.redirected || answer.status === 401) location.reload();
    if (!answer.ok) throw new Error(String(answer.status));
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = rows.take([...parsed.querySelectorAll("tbody tr")], asked);
    ring(fresh);
    swapSummary(parsed.getElementById("summary"));
  } catch {
    asked.forEach((id) => wanted.add(id)); // again after the pause below
  } finally {
    setTimeout(() => {
      busy = false;
      fetchRows();
    }, 200);
  }
}

function swapSummary(summary) {
  document.getElementById("summary").replaceWith(summary);
  tick(summary);
}

function ring(fresh) {
  const loud = new Set(fresh.filter((row) => "needs" in row.dataset).map((r) => r.dataset.severity));
  const top = ORDER.find((severity) => loud.has(severity));
  if (top) sound.play(top);
}

new Feed(table.dataset.cursor, (event) => {
  if (event.alert_id === null) return;
  wanted.add(String(event.alert_id));
  fetchRows();
});

table.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.target.querySelector("button");
  const { id } = event.target.closest("tr").dataset;
  button.disabled = true;
  const result = await act(id, "acknowledge");
  button.disabled = false;
  if (!result.ok) say(result);
  wanted.add(id);
  fetchRows();
});

// The whole row opens the alert; a selection of text or a click on a control does not.
table.addEventListener("click", (event) => {
  if (event.target.closest("a, button, form") || String(getSelection())) return;
  event.target.closest("tr")?.querySelector("a.what")?.click();
});

for (const select of document.querySelectorAll("#filters select")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}
news.addEventListener("click", () => rows.release(true));
listen(rows, () => rows.release(true));
setInterval(() => sound.remind(rows.severities()), 1000);
