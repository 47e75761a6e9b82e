// The mark that has the cursor: its words in a tip, said aloud when the keyboard moved it.
import { kindOf } from "./fleet_data.js";

export class Cursor {
  constructor(data, stage, placeOf) {
    Object.assign(this, { data, stage, placeOf, at: null, shown: [] });
    this.tip = document.getElementById("tip");
    this.said = document.getElementById("said");
  }

  point(i, aloud) {
    this.ring();
    this.at = i;
    if (i === null) {
      this.tip.hidden = true;
      return;
    }
    const words = this.data.words(i);
    this.tip.replaceChildren(
      ...words.map((word, n) => {
        const line = document.createElement(n ? "span" : "b");
        line.textContent = word;
        return line;
      }),
    );
    this.tip.hidden = false;
    const [x, y] = aloud ? this.stage.show(...this.placeOf(i)) : this.screen(i);
    this.move(x, y);
    if (aloud) this.said.textContent = words.join(", ");
    this.ring();
  }

  // Draw anew where the ring is, and nothing else.
  ring() {
    const i = this.at;
    if (i === null) return;
    if (this.stage.view.k > 3) this.stage.ask(); // near by, a ring is large
    else this.stage.ask(...this.screen(i), 70);
  }

  screen(i) {
    const [x, y] = this.placeOf(i);
    const { k, x: dx, y: dy } = this.stage.view;
    return [x * k + dx, y * k + dy];
  }

  move(x, y) {
    const { tip, stage } = this;
    const left = Math.min(stage.width - tip.offsetWidth - 6, Math.max(6, x + 14));
    const below = y + 18 + tip.offsetHeight < stage.height;
    tip.style.left = `${left}px`;
    tip.style.top = `${Math.max(4, below ? y + 16 : y - tip.offsetHeight - 14)}px`;
  }

  key(event) {
    const step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
    if (step[event.key]) this.point(this.beside(...step[event.key]), true);
    else if (event.key === "Home") this.point(this.shown[0] ?? null, true);
    else if (event.key === "End") this.point(this.shown.at(-1) ?? null, true);
    else if (event.key === "n") this.call(1);
    else if (event.key === "p") this.call(-1);
    else if (event.key === "Escape") this.point(null, false);
    else if (event.key === "Enter" && this.at !== null) this.open(this.at);
    else return false;
    return true;
  }

  open(i) {
    location.href = `/lifts/${this.data.roster.reg_code[i]}`;
  }

  // The nearest lift in a direction: what is aside counts double.
  beside(dx, dy) {
    if (this.at === null) return this.shown[0] ?? null;
    const [x, y] = this.placeOf(this.at);
    let best = this.at;
    let least = Infinity;
    for (const i of this.shown) {
      const [u, v] = this.placeOf(i);
      const along = (u - x) * dx + (v - y) * dy;
      const aside = Math.abs((u - x) * dy) + Math.abs((v - y) * dx);
      const far = along + 2.5 * aside;
      if (along > 1e-9 && far < least) [best, least] = [i, far];
    }
    if (best === this.at && dx) {
      const next = this.shown.indexOf(this.at) + dx; // the end of a row: on to the next one
      return this.shown[next] ?? this.at;
    }
    return best;
  }

  call(by) {
    const calling = this.shown.filter((i) => kindOf(this.data.codes[i]) < 4);
    calling.sort((a, b) => kindOf(this.data.codes[a]) - kindOf(this.data.codes[b]) || a - b);
    if (!calling.length) return;
    const now = calling.indexOf(this.at);
    const next = now < 0 && by < 0 ? calling.length - 1 : (now + by + calling.length) % calling.length;
    this.point(calling[next], true);
  }
}
