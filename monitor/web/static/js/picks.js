// Many alerts at once: ticked, acknowledged with one comment, shelved with one reason and end.
import { say } from "./act.js";
import { _, ngettext } from "./texts.js";

const csrf = document.documentElement.dataset.csrf;
const form = document.getElementById("bulk");
const outcome = document.getElementById("outcome");
const dialog = document.getElementById("shelve");

export class Picks {
  // onDone(ids) when the service has answered: their rows are to be fetched anew.
  constructor(rows, onDone) {
    this.rows = rows;
    this.onDone = onDone;
    this.about = []; // ids the open shelf dialog is about
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

  tell() {
    const n = this.ids.length;
    document.getElementById("picked").textContent = ngettext(
      "%(num)d selected",
      "%(num)d selected",
      n,
    );
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
    if (!ids.length) return;
    const answer = await this.post({ step, ids, ...body });
    if (answer === null) return;
    form.comment.value = "";
    this.none();
    this.show(answer);
    this.onDone(ids);
  }

  async post(body) {
    try {
      const answer = await fetch("/api/v1/alerts/bulk", {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
        body: JSON.stringify(body),
      });
      if (answer.status === 401) location.reload();
      const data = await answer.json();
      if (answer.ok) return data;
      say({ ok: false, text: data.detail ?? "" });
    } catch (error) {
      say({ ok: false, text: String(error.message) });
    }
    return null;
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
