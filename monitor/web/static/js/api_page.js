// The API's page: find an operation by any of its words; an address with a mark opens its operation.
const box = document.getElementById("filter");
const parts = [...document.querySelectorAll("[data-part]")].map((part) => ({
  part,
  rows: [...part.querySelectorAll(".operation")].map((row) => [
    row,
    row.querySelector("summary").textContent.toLowerCase(),
  ]),
}));

function filter(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const { part, rows } of parts) {
    let here = 0;
    for (const [row, says] of rows) {
      row.hidden = !words.every((word) => says.includes(word));
      here += !row.hidden;
    }
    part.hidden = !here;
    shown += here;
  }
  document.getElementById("none").hidden = shown > 0;
}

function open() {
  const marked = document.getElementById(location.hash.slice(1));
  if (marked?.matches("details")) marked.open = true;
}

box.hidden = false;
box.querySelector("input").addEventListener("input", (event) => filter(event.target.value));
addEventListener("hashchange", open);
open();
