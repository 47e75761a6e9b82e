// Many alerts at once: ticked, acknowledged with one comment, shelved with one reason and end.
import { say, send } from "./act.js";
import { _, ngettext } from "./texts.js";

const form = document.getElementById("bulk");
const outcome = document.getElementById("outcome");
const dialog = document.getElementById("shelve");

export class Picks {
  // onDone(ids) when the service has answered: their rows are to be fetched anew.
  constructor(rows, onDone) {
    this.rows = rows;
    this.onDone = onDone;
    this.about = []; // ids the open shelf dialog is about
    this.sending = false; // one at a time: a second press is not a second step
    const shelve = document.getElementById("bulk-shelve");
    if (shelve) shelve.hidden = false;
    document.getElementById("unpick").hidden = false;
    document.getElementById("unpick").addEventListener("click", () => this.none());
    rows.table.addEventListener("change", () => this.tell());
    shelve?.addEventListener("click", () => this.askShelf(this.ids));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send("acknowledge", this.ids, { comment: form.comment.value.trim() || null });
    });
    dialog?.querySelector("form").addEventListener("submit", () => {
      const { comment, hours } = dialog.querySelector("form");
      this.send("shelve", this.about, { comment: comment.value, hours: Number(hours.value) });
      comment.value = "";
    });
    this.tell();
  }

  get boxes() {
    return [...this.rows.body.querySelectorAll(".c-pick input")];
  }

  get ids() {
    return this.boxes.filter((box) => box.checked).map((box) => Number(box.value));
  }

  // Called when ticks change, and when rows come and go.
  tell() {
    const text = ngettext("%(num)d selected", "%(num)d selected", this.ids.length);
    const picked = document.getElementById("picked");
    if (picked.textContent !== text) picked.textContent = text; // said aloud when it changes
  }

  pick(row) {
    const box = row?.querySelector(".c-pick input");
    if (box) box.checked = !box.checked;
    this.tell();
  }

  all() {
    const on = this.boxes.some((box) => !box.checked);
    for (const box of this.boxes) box.checked = on;
    this.tell();
  }

  none() {
    for (const box of this.boxes) box.checked = false;
    outcome.hidden = true;
    this.tell();
  }

  askComment() {
    form.comment.focus();
  }

  // Why not is said before anybody writes a reason.
  askShelf(ids) {
    if (!dialog || !ids.length) return;
    const may = ids.filter((id) => this.rows.find(id)?.querySelector("[data-may-shelve]"));
    if (!may.length) {
      say({ ok: false, text: _("Not to be shelved: people in the car, or already over.") });
      return;
    }
    this.about = may;
    dialog.showModal();
    dialog.querySelector("[name=comment]").focus();
  }

  async send(step, ids, body) {
    if (!ids.length || this.sending) return;
    this.sending = true;
    const answer = await send("POST", "/api/v1/alerts/bulk", { step, ids, ...body });
    this.sending = false;
    if (!answer.ok) {
      say(answer);
      return;
    }
    form.comment.value = "";
    this.none();
    this.show(answer.data);
    this.onDone(ids);
  }

  // What was done in one line; what was not, alert by alert with the reason.
  show({ done, results }) {
    say({ ok: true, text: ngettext("done for %(num)d alert", "done for %(num)d alerts", done) });
    const others = results.filter((one) => one.outcome !== "done");
    outcome.hidden = !others.length;
    const list = document.createElement("ul");
    for (const one of others) {
      const row = this.rows.find(one.id);
      const where = row?.querySelector(".c-place").firstChild.textContent ?? `#${one.id}`;
      const item = document.createElement("li");
      const word = { already: _("somebody was faster"), refused: _("not possible") }[one.outcome];
      item.textContent = `${where} · ${word ?? ""}: ${one.message}`;
      list.append(item);
    }
    const head = document.createElement("b");
    head.textContent = ngettext("%(num)d not changed", "%(num)d not changed", others.length);
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = _("Seen");
    close.addEventListener("click", () => (outcome.hidden = true));
    outcome.replaceChildren(head, list, close);
  }
}
