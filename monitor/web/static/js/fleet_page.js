// Overview and list: renewed every two seconds while somebody looks.
import "./common.js";
import "./fleet_find.js";
import { refresh } from "./regions.js";
import { showStale } from "./staleness.js";

const { lost } = document.querySelector("[data-live]").dataset;

async function look() {
  try {
    if (!document.hidden) await refresh();
    showStale("page", "");
  } catch {
    showStale("page", lost);
  }
  setTimeout(look, 2000);
}

setTimeout(look, 2000);
for (const select of document.querySelectorAll(".filters select")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}
