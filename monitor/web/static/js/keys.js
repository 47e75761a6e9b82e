// j and k walk, Enter opens (the row's link has the focus), a acknowledges, n shows what is new.
const typing = (target) => target.closest?.("input, select, textarea") !== null;

export function listen(rows, showNew) {
  const current = () => document.activeElement?.closest?.("tr[data-id]");

  function walk(by) {
    const all = rows.all;
    if (!all.length) return;
    const at = all.indexOf(current());
    const to = at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by;
    const row = all[Math.min(all.length - 1, Math.max(0, to))];
    row.querySelector("a.what").focus();
    row.scrollIntoView({ block: "nearest" });
  }

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "j") walk(1);
    else if (event.key === "k") walk(-1);
    else if (event.key === "n") showNew();
    else if (event.key === "a") current()?.querySelector("[data-acknowledge]")?.click();
    else return;
    event.preventDefault();
  });
}
