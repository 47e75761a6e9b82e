// The rows of the list. Nothing moves while somebody points at it or walks it by keyboard: what
// changes, changes in its place; what is new waits, and is announced.
import { tick } from "./clock.js";

const MOST = 500; // rows in the page; what lies behind is a link further, and said to be there

export class Rows {
  // onHeld() after every change: what waits has to be announced anew.
  constructor(table, onHeld) {
    this.table = table;
    this.body = table.tBodies[0];
    this.onHeld = onHeld;
    this.start = table.dataset.start; // the list begins behind this key …
    this.end = table.dataset.end; // … and there are further alerts behind this one
    this.held = new Map(); // id → row that waits, in its newest version
    this.fresh = new Set(); // ids raised since the page came, and not shown yet
    this.dirty = false; // rows shown are out of order or have ended
    this.inside = false;
    this.body.addEventListener("pointerenter", (event) => {
      this.inside = event.pointerType === "mouse";
    });
    this.body.addEventListener("pointerleave", () => {
      this.inside = false;
      this.release();
    });
    this.body.addEventListener("focusout", () => setTimeout(() => this.release()));
    setInterval(() => this.release(), 1000);
  }

  get frozen() {
    if (document.querySelector("dialog[open]")) return true; // about a row; the focus comes back
    return this.inside || this.body.querySelector(":focus-visible") !== null;
  }

  get all() {
    return [...this.body.rows];
  }

  find(id) {
    return this.body.querySelector(`tr[data-id="${id}"]`);
  }

  get waiting() {
    return [...this.held.values()].filter((row) => this.fresh.has(row.dataset.id));
  }

  // Below the rows that are shown, or before the page's first one: it has no place here.
  outside(row) {
    const { sort } = row.dataset;
    return (this.end && sort > this.end) || (this.start && sort <= this.start);
  }

  // Rows as the service rendered them; of the asked ids, those that do not come have left the
  // list. Returns the ones that were not known before.
  take(rows, asked) {
    const unknown = [];
    for (const row of rows) {
      const { id } = row.dataset;
      asked.delete(id);
      const shown = this.find(id);
      if (shown) {
        this.fresh.delete(id);
        this.replace(shown, row);
      } else {
        if (!this.held.has(id)) unknown.push(row);
        this.held.set(id, row);
      }
    }
    for (const id of asked) this.leave(id);
    this.release();
    return unknown;
  }

  // A further page: its rows stand behind all others, so nothing moves.
  append(rows, end) {
    for (const row of rows) {
      const shown = this.find(row.dataset.id);
      if (shown) this.replace(shown, row);
      else this.body.append(row);
      this.held.delete(row.dataset.id);
      this.fresh.delete(row.dataset.id);
    }
    this.end = end;
    tick(this.body);
    this.release();
  }

  get full() {
    return this.body.rows.length >= MOST;
  }

  replace(shown, row) {
    if (Number(row.dataset.version) < Number(shown.dataset.version)) return;
    const active = shown.contains(document.activeElement);
    const box = (from) => from.querySelector(".c-pick input");
    if (box(shown)?.checked && box(row)) box(row).checked = true;
    if (row.dataset.sort !== shown.dataset.sort) this.dirty = true;
    shown.replaceWith(row);
    tick(row);
    if (active) row.querySelector("a.what")?.focus({ preventScroll: true });
  }

  // No longer fits the filters: it fades where it stands, and goes when the list moves again.
  leave(id) {
    this.held.delete(id);
    this.fresh.delete(id);
    const shown = this.find(id);
    if (shown) {
      shown.classList.add("gone", "leaving");
      this.dirty = true;
    }
  }

  // Shows what waits, unless that would move what somebody is looking at. Returns the new rows.
  release(force = false) {
    if ((this.frozen && !force) || (!this.dirty && !this.held.size)) {
      this.onHeld();
      return [];
    }
    const coming = [...this.held.values()].filter((row) => !this.outside(row));
    const fresh = coming.filter((row) => this.fresh.has(row.dataset.id));
    for (const id of this.held.keys()) this.fresh.delete(id); // others were heard of, not fetched yet
    this.held.clear();
    this.dirty = false;
    for (const row of this.body.querySelectorAll("tr.leaving")) row.remove();
    for (const row of fresh) row.classList.add("fresh");
    const rows = this.order([...this.all, ...coming]);
    this.trim(rows);
    this.table.hidden = !this.body.rows.length;
    this.onHeld();
    tick(this.body);
    return rows.filter((row) => fresh.includes(row));
  }

  // Moves only rows that are out of place, so that focus and selection survive.
  order(rows) {
    rows.sort((a, b) => (a.dataset.sort < b.dataset.sort ? -1 : 1));
    let at = this.body.firstElementChild;
    for (const row of rows) {
      if (row === at) at = at.nextElementSibling;
      else this.body.insertBefore(row, at);
    }
    return rows;
  }

  // A flood must not fill the page without end: the last go back behind the link.
  trim(rows) {
    if (rows.length <= MOST + 100) return;
    for (const row of rows.splice(MOST)) row.remove();
    this.end = rows.at(-1).dataset.sort;
  }
}
