// The page of one alert: steps without leaving it, and what others do appears by itself.
import "./common.js";
import { act, say } from "./act.js";
import { drawCharts } from "./chart.js";
import { Feed } from "./feed.js";
import { refresh } from "./regions.js";

const page = document.getElementById("alert");
const id = Number(page.dataset.id);

// Where it fails the feed fails too, and says so.
function update() {
  refresh().catch(() => {});
}

page.addEventListener("submit", async (event) => {
  const step = event.submitter?.dataset.step;
  if (!step) return;
  event.preventDefault();
  const fields = new FormData(event.target);
  const cause = [fields.get("cause"), fields.get("cause_more")].filter(Boolean).join(": ");
  const comment = String(fields.get("comment") ?? "").trim();
  const hours = Number(fields.get("hours"));
  event.submitter.disabled = true;
  const result = await act(id, step, {
    ...(comment && { comment }),
    ...(step === "file_cause" && cause && { cause }),
    ...(step === "shelve" && hours && { hours }),
  });
  event.submitter.disabled = false;
  say(result);
  if (result.ok) event.target.reset();
  update();
});

let asked;
new Feed(page.dataset.cursor, (event) => {
  if (event.alert_id !== id) return;
  clearTimeout(asked);
  asked = setTimeout(update, 120);
});

drawCharts();
