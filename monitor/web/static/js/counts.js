// The numbers beside the filters. Asked for after the page is there, and no more often than they
// are looked at.
const EVERY_MS = 15_000;
const form = document.getElementById("filters");
const told = (n) => ` (${(n ?? 0).toLocaleString("en")})`;

function ofSelect(select, counts) {
  const total = Object.values(counts).reduce((sum, n) => sum + n, 0);
  for (const option of select.options) {
    option.dataset.word ??= option.textContent;
    const text = option.dataset.word + told(option.value ? counts[option.value] : total);
    if (option.textContent !== text) option.textContent = text;
  }
  // Owners are people: who they are is known by their alerts alone.
  if (select.name !== "owner") return;
  for (const [name, n] of Object.entries(counts)) {
    if ([...select.options].some((option) => option.value === name)) continue;
    const option = new Option(name + told(n), name);
    option.dataset.word = name;
    select.add(option);
  }
}

async function count(query) {
  const answer = await fetch(`/api/v1/alerts/counts?${query}`);
  if (!answer.ok) return;
  const { counts } = await answer.json();
  for (const select of form.querySelectorAll("select")) {
    if (document.activeElement !== select) ofSelect(select, counts[select.name] ?? {});
  }
  for (const link of form.querySelectorAll(".segments a")) {
    const n = counts.state[link.dataset.state];
    if (n !== undefined) link.querySelector(".count").textContent = told(n);
  }
  form.querySelector("[data-count=people]").textContent = told(counts.people.true);
  return counts.total.all;
}

export function watchCounts(query) {
  const again = () => document.hidden || count(query).catch(() => {});
  again();
  setInterval(again, EVERY_MS);
}
