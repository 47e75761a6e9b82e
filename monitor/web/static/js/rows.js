// The rows of the list. Nothing moves while somebody points at it.
import { tick } from "./clock.js";

const IDLE_MS = 20_000;

export class Rows {
  constructor(table, onHeld) {
    this.table = table;
    this.body = table.tBodies[0];
    this.onHeld = onHeld;
    this.held = new Map(); // id → row waiting to be shown, by the newest version
    this.dirty = false; // rows shown are out of order or have ended
    this.inside = false;
    this.touched = -1e9;
    this.body.addEventListener("pointerenter", () => (this.inside = true));
    this.body.addEventListener("pointerleave", () => {
      this.inside = false;
      this.release();
    });
    for (const name of ["pointermove", "pointerdown", "keydown", "wheel"]) {
      addEventListener(name, () => (this.touched = performance.now()), { passive: true });
    }
    setInterval(() => this.release(), 1000);
  }

  // Pointed at or focused, unless nobody has touched anything for a good while.
  get frozen() {
    const watched = this.inside || this.body.contains(document.activeElement);
    return watched && performance.now() - this.touched < IDLE_MS;
  }

  get all() {
    return [...this.body.rows];
  }

  find(id) {
    return this.body.querySelector(`tr[data-id="${id}"]`);
  }

  severities() {
    const found = new Set();
    for (const row of [...this.all, ...this.held.values()]) {
      if ("needs" in row.dataset) found.add(row.dataset.severity);
    }
    return found;
  }

  // Take rows as the service renders them; `asked` are all ids that were asked for.
  take(rows, asked) {
    const fresh = [];
    for (const row of rows) {
      const id = row.dataset.id;
      asked.delete(id);
      const shown = this.find(id);
      if (shown) this.replace(shown, row);
      else {
        if (!this.held.has(id)) fresh.push(row);
        this.held.set(id, row);
      }
    }
    for (const id of asked) this.leave(id);
    this.release();
    return fresh;
  }

  replace(shown, row) {
    if (Number(row.dataset.version) < Number(shown.dataset.version)) return;
    const focus = shown.contains(document.activeElement);
    if (row.dataset.sort !== shown.dataset.sort) this.dirty = true;
    shown.replaceWith(row);
    tick(row);
    if (focus) row.querySelector("a.what")?.focus({ preventScroll: true });
  }

  // No longer fits the filters: it fades where it stands, and goes when the list moves again.
  leave(id) {
    this.held.delete(id);
    const shown = this.find(id);
    if (shown) {
      shown.classList.add("gone", "leaving");
      this.dirty = true;
    }
  }

  release(force = false) {
    if ((this.frozen && !force) || (!this.dirty && !this.held.size)) {
      this.tell();
      return;
    }
    const fresh = [...this.held.values()];
    this.held.clear();
    this.dirty = false;
    for (const row of this.body.querySelectorAll("tr.leaving")) row.remove();
    for (const row of fresh) row.classList.add("fresh");
    this.order([...this.all, ...fresh]);
    this.table.hidden = !this.body.rows.length;
    this.tell();
    tick(this.body);
  }

  // Moves only rows that are out of place, so that focus and selection survive.
  order(rows) {
    rows.sort((a, b) => (a.dataset.sort < b.dataset.sort ? -1 : 1));
    rows.forEach((row, i) => {
      if (this.body.rows[i] !== row) this.body.insertBefore(row, this.body.rows[i] ?? null);
    });
  }

  tell() {
    this.onHeld([...this.held.values()]);
  }
}
