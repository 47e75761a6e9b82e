// The whole list by keyboard. The row that has the focus is the current one.
import { typing } from "./typing.js";

// All that the bar leads to.
const PAGES = {
  a: "/alerts",
  l: "/lifts",
  u: "/firm",
  o: "/handover",
  e: "/drills",
  q: "/quality",
  m: "/admin",
};
const G_MS = 1500;

export function listen(rows, acts) {
  let awaited = 0;
  const current = () => document.activeElement?.closest?.("tr[data-id]");

  function focus(row) {
    row.querySelector("a.what").focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  function walk(by) {
    const all = rows.all;
    if (!all.length) return;
    const at = all.indexOf(current());
    const to = at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by;
    if (to >= all.length - 1) acts.further();
    focus(all[Math.min(all.length - 1, Math.max(0, to))]);
  }

  function go(key) {
    // Only to where the menu leads: a firm has fewer pages.
    const path = PAGES[key];
    if (path && document.querySelector(`nav a[href="${path}"]`)) location.assign(path);
  }

  const keys = {
    j: () => walk(1),
    k: () => walk(-1),
    ArrowDown: () => walk(1),
    ArrowUp: () => walk(-1),
    n: () => {
      const [first] = acts.showNew();
      if (first) focus(first);
    },
    u: acts.urgent,
    a: () => acts.acknowledge(current()),
    A: acts.pickAll,
    " ": () => acts.pick(current()),
    s: () => acts.shelve(current()),
    "/": acts.search,
    "?": acts.help,
    Escape: () => acts.escape(current()),
    g: () => (awaited = performance.now()),
  };

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && !document.querySelector("dialog[open]")) {
      keys.Escape();
      return;
    }
    if (typing(event.target)) return;
    const walking = event.key.startsWith("Arrow") || event.key === " ";
    if (walking && !current() && document.activeElement !== document.body) return;
    if (event.key === " " && !current()) return; // scrolls the page, as everywhere
    if (event.key === " " && event.target.closest("button")) return;
    const second = performance.now() - awaited < G_MS;
    awaited = 0;
    if (second) go(event.key);
    else if (keys[event.key]) keys[event.key]();
    else return;
    event.preventDefault();
  });
}
