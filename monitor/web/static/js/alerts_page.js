// The alert list, live.
import "./common.js";
import { act, say } from "./act.js";
import { openByRow, ORDER } from "./alert_rows.js";
import { Away } from "./away.js";
import { tick } from "./clock.js";
import { watchCounts } from "./counts.js";
import { Feed } from "./feed.js";
import { listen } from "./keys.js";
import { announce, openUrgent } from "./news.js";
import { Picks } from "./picks.js";
import { Rows } from "./rows.js";
import { Sound } from "./sound.js";
import { _, ngettext } from "./texts.js";
import { showTitle, watchHealth } from "./truth.js";

const PAUSE_MS = 200;
const GLANCE_MS = 2000;
const AT_ONCE = 100;
const table = document.getElementById("alerts");
const empty = document.getElementById("empty");
const further = document.getElementById("further");
const shown = document.getElementById("shown");
const news = document.getElementById("news");
const sound = new Sound(document.getElementById("sound"), document.getElementById("sound-test"));
const rows = new Rows(table, tell);
const wanted = new Set(); // ids of which something was heard
let total = Number(table.dataset.total);
let busy = false;
let glanced = performance.now();
let overdue = false; // tiles and total are older than what was heard

function tell() {
  const waiting = rows.waiting;
  empty.hidden = rows.body.rows.length > 0 || waiting.length > 0;
  announce(waiting);
  picks.tell();
  const number = (n) => n.toLocaleString("en");
  const text = _("%(shown)s of %(total)s shown", {
    shown: number(rows.body.rows.length),
    total: number(Math.max(total, rows.body.rows.length)),
  });
  if (shown.textContent !== text) shown.textContent = text;
  further.hidden = !rows.end;
  if (rows.end) {
    const query = new URLSearchParams(table.dataset.query);
    query.set("after", rows.end);
    further.href = `?${query}`;
  }
}

async function ask(more) {
  const query = new URLSearchParams(table.dataset.query);
  for (const [name, value] of Object.entries(more)) query.set(name, value);
  const answer = await fetch(`/alerts/rows?${query}`);
  if (answer.redirected || answer.status === 401) location.reload();
  if (!answer.ok) throw new Error(String(answer.status));
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

// Rows are rendered by the service: one template, one wording. Asked for in groups, so that a
// flood of events is a trickle of requests; where an answer took long, the next waits as long.
async function fetchRows() {
  if (busy || (!wanted.size && !overdue)) return;
  busy = true;
  const begun = performance.now();
  const glance = begun - glanced > GLANCE_MS;
  const asked = new Set([...wanted].slice(0, AT_ONCE));
  asked.forEach((id) => wanted.delete(id));
  try {
    if (asked.size || glance) {
      const more = { ids: [...asked].join(",") || "0" };
      const page = await ask(glance ? { ...more, glance: true } : more);
      overdue = !glance;
      if (glance) takeGlance(page);
      const fresh = new Set(rows.fresh); // showing them empties it
      const unknown = rows.take([...page.querySelectorAll("tbody tr")], asked);
      ring(unknown.filter((row) => fresh.has(row.dataset.id)));
    }
  } catch {
    asked.forEach((id) => wanted.add(id)); // again after the pause below
  } finally {
    const took = performance.now() - begun;
    setTimeout(() => {
      busy = false;
      fetchRows();
    }, Math.max(PAUSE_MS, 2 * took));
  }
}

function takeGlance(page) {
  glanced = performance.now();
  total = Number(page.querySelector("table").dataset.total);
  const summary = page.getElementById("summary");
  document.getElementById("summary").replaceWith(summary);
  tick(summary);
}

let loading = false;
async function loadFurther() {
  if (loading || !rows.end || rows.full) return;
  loading = true;
  try {
    const page = await ask({ after: rows.end });
    rows.append([...page.querySelectorAll("tbody tr")], page.querySelector("table").dataset.end);
  } catch {
    // the link is still there
  } finally {
    loading = false;
  }
}

function ring(raised) {
  const loud = raised.filter((row) => "needs" in row.dataset);
  const severities = new Set(loud.map((row) => row.dataset.severity));
  const top = ORDER.find((severity) => severities.has(severity));
  if (top) sound.play(top);
}

// Of all that is open, not only of what is shown: the tiles are the service's own count.
function calling() {
  const found = {};
  for (const tile of document.querySelectorAll("#summary [data-needs]")) {
    found[tile.dataset.severity] = Number(tile.dataset.needs);
  }
  return found;
}

const away = new Away(table.dataset.user, Number(table.dataset.cursor));
const feed = new Feed(table.dataset.cursor, (event) => {
  away.see(event.id);
  if (event.alert_id === null) return;
  const id = String(event.alert_id);
  if (event.kind === "raised") rows.fresh.add(id);
  wanted.add(id);
  overdue = true;
  fetchRows();
});

const picks = new Picks(rows, (ids) => {
  ids.forEach((id) => wanted.add(String(id)));
  fetchRows();
});

async function acknowledge(row, button) {
  const { id } = row.dataset;
  button.disabled = true;
  const result = await act(id, "acknowledge");
  button.disabled = false;
  if (!result.ok) say(result);
  wanted.add(id);
  fetchRows();
}

table.addEventListener("submit", (event) => {
  event.preventDefault();
  acknowledge(event.target.closest("tr"), event.target.querySelector("button"));
});

openByRow(table);

const showNew = () => {
  if (rows.start && rows.waiting.length) location.assign(`/alerts?${table.dataset.query}`);
  const below = rows.waiting.filter((row) => rows.outside(row)).length;
  if (below) {
    const text = ngettext(
      "%(num)d of them stands below the rows shown",
      "%(num)d of them stand below the rows shown",
      below,
    );
    say({ ok: true, text });
  }
  return rows.release(true);
};
const help = document.getElementById("keys");
const form = document.getElementById("filters");
listen(rows, {
  showNew,
  urgent: openUrgent,
  further: loadFurther,
  acknowledge(row) {
    const button = row?.querySelector("[data-acknowledge]");
    if (picks.ids.length) picks.askComment();
    else if (button) acknowledge(row, button);
  },
  pick: (row) => picks.pick(row),
  pickAll: () => picks.all(),
  shelve: (row) => picks.askShelf(picks.ids.length ? picks.ids : row ? [Number(row.dataset.id)] : []),
  search: () => form.q.select(),
  help: () => help.showModal(),
  escape() {
    if (picks.ids.length) picks.none();
    document.activeElement?.blur();
  },
});

// An address says only what was asked for.
form.addEventListener("formdata", ({ formData }) => {
  for (const [name, value] of [...formData]) {
    if (!value || (name === "state" && value === "open")) formData.delete(name);
  }
});
for (const field of form.querySelectorAll("select, [type=checkbox]")) {
  field.addEventListener("change", () => form.requestSubmit());
}
news.addEventListener("click", showNew);
for (const button of document.querySelectorAll("[data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}
const helpButton = document.getElementById("help");
helpButton.hidden = false;
helpButton.addEventListener("click", () => help.showModal());
const copy = document.getElementById("copy-link");
copy.hidden = !navigator.clipboard;
copy.addEventListener("click", async () => {
  await navigator.clipboard.writeText(location.origin + location.pathname + location.search);
  say({ ok: true, text: _("The link is copied: whoever opens it sees this view.") });
});
new IntersectionObserver(
  (seen) => seen.some((one) => one.isIntersecting) && loadFurther(),
  { rootMargin: "600px" },
).observe(further);
setInterval(() => {
  const needs = calling();
  const loud = ORDER.filter((severity) => needs[severity]);
  sound.remind(new Set(loud));
  showTitle(loud.reduce((sum, severity) => sum + needs[severity], 0), feed.stale);
}, 1000);
watchCounts(table.dataset.query);
watchHealth();
tell();
document.documentElement.dataset.ready = "yes"; // rows can be walked, keys are heard
