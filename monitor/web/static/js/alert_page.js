// The page of one alert: steps without leaving it, and what others do appears by itself.
import "./common.js";
import { act, say, send } from "./act.js";
import { sure } from "./confirm.js";
import { moveLine } from "./deadlines.js";
import { Feed } from "./feed.js";
import { listenKeys } from "./incident_keys.js";
import { refresh } from "./regions.js";
import { watchReplay } from "./replay/player.js";

const page = document.getElementById("alert");
const id = Number(page.dataset.id);

// Where it fails the feed fails too, and says so. A dialog is about what stands on the page: nothing
// moves under it.
let held = false;
function update() {
  held = document.querySelector("dialog[open]") !== null;
  if (!held) refresh().then(moveLine, () => {});
}

// A refresh may have put another form in the place of one that was sent.
function anew(form) {
  return form.isConnected ? form : page.querySelector(`form[action="${form.getAttribute("action")}"]`);
}

async function takeStep(form, button, step) {
  const fields = new FormData(form);
  const cause = [fields.get("cause"), fields.get("cause_more")].filter(Boolean).join(": ");
  const comment = String(fields.get("comment") ?? "").trim();
  const hours = Number(fields.get("hours"));
  if (button.dataset.sure && comment && !(await sure(button.dataset.sure, comment, button))) return;
  button.disabled = true;
  const result = await act(id, step, {
    ...(comment && { comment }),
    ...(step === "file_cause" && cause && { cause }),
    ...(step === "shelve" && hours && { hours }),
  });
  button.disabled = false;
  say(result);
  const now = anew(form);
  if (result.ok) now?.reset();
  else if (!comment) now?.querySelector("[name=comment]")?.focus();
  update();
}

async function keepNote(form, button) {
  const fields = new FormData(form);
  button.disabled = true;
  const result = await send("PUT", `/api/v1/alerts/${id}/note`, {
    text: button.name === "off" ? "" : String(fields.get("text")),
    version: Number(fields.get("version")),
  });
  button.disabled = false;
  say(result);
  if (result.ok) anew(form)?.closest("details")?.removeAttribute("open");
  update();
}

page.addEventListener("submit", (event) => {
  const { submitter: button, target: form } = event;
  if (form.dataset.note !== undefined) {
    event.preventDefault();
    keepNote(form, button);
  } else if (button?.dataset.step) {
    event.preventDefault();
    takeStep(form, button, button.dataset.step);
  }
});

// The timeline's filter stays in the address, so what is refreshed keeps it.
page.addEventListener("click", (event) => {
  const link = event.target.closest("[data-filter]");
  if (!link) return;
  event.preventDefault();
  history.replaceState(null, "", link.href);
  update();
});

document.addEventListener("close", () => held && update(), true); // a dialog's
let asked;
new Feed(page.dataset.cursor, (event) => {
  if (event.alert_id !== id) return;
  clearTimeout(asked);
  asked = setTimeout(update, 120);
});

const replay = watchReplay(document.getElementById("replay"));
listenKeys(page, replay);
moveLine();
setInterval(moveLine, 1000);
// What no event tells: deadlines that pass, other alerts of the site.
setInterval(() => document.hidden || update(), 30_000);
