// What is new while the list stands still: a bar that says how much, and at once and in full what
// is about people in a car. Both lie over the page, on the side where the pointer is not, so they
// cover nothing that somebody points at and push nothing away.
import { ORDER } from "./alert_rows.js";
import { tick } from "./clock.js";
import { _, ngettext } from "./texts.js";

const SHOWN = 3;
const over = document.getElementById("over");
const news = document.getElementById("news");
const urgent = document.getElementById("urgent");

addEventListener(
  "pointermove",
  (event) => over.classList.toggle("low", event.clientY < innerHeight / 2),
  { passive: true },
);

function tell(waiting) {
  const top = ORDER.find((severity) => waiting.some((row) => row.dataset.severity === severity));
  const critical = waiting.filter((row) => row.dataset.severity === "critical").length;
  const className = `news sev-${top}`;
  const text = critical
    ? ngettext(
        "%(num)d new, %(critical)d critical: n shows it",
        "%(num)d new, %(critical)d critical: n shows them",
        waiting.length,
        { critical },
      )
    : ngettext("%(num)d new: n shows it", "%(num)d new: n shows them", waiting.length);
  if (news.className !== className) news.className = className;
  if (news.textContent !== text) news.textContent = text;
}

// A row in one line: its own cells, so the words are the service's.
function line(row) {
  const link = document.createElement("a");
  link.href = row.querySelector("a.what").href;
  link.dataset.id = row.dataset.id;
  for (const name of [".c-severity .mark", "a.what", ".c-place", ".c-people .people", ".countdown"]) {
    const part = row.querySelector(name);
    if (!part) continue;
    const copy = document.createElement("span");
    copy.className = part.classList.contains("c-place") ? "where" : part.className;
    for (const [key, value] of Object.entries(part.dataset)) copy.dataset[key] = value;
    copy.append(...[...part.childNodes].map((node) => node.cloneNode(true)));
    link.append(copy);
  }
  return link;
}

let said = "";
export function announce(waiting) {
  news.hidden = !waiting.length;
  if (waiting.length) tell(waiting);
  const grave = waiting.filter((row) => "held" in row.dataset && row.dataset.severity === "critical");
  const key = grave.map((row) => `${row.dataset.id}.${row.dataset.version}`).join();
  if (key === said) return;
  said = key;
  const lines = grave.slice(0, SHOWN).map(line);
  if (grave.length > SHOWN) {
    const more = document.createElement("p");
    more.textContent = _("and %(n)d more", { n: grave.length - SHOWN });
    lines.push(more);
  }
  urgent.replaceChildren(...lines);
  tick(urgent);
}

export function openUrgent() {
  urgent.querySelector("a")?.click();
}
