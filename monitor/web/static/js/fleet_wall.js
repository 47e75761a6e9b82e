// The wall: every lift a mark, in blocks of the chosen groups, all on one screen.
import { KINDS, kindOf, worded } from "./fleet_data.js";

const GAP = 10;
const LABEL = 17;
const MOST_NAMED = 150; // more blocks than that are named when one comes nearer
const RATIOS = [2.4, 1.4, 1.9, 3.1, 4, 5, 7, 14];

export class Wall {
  // `largest`: px from mark to mark where there is room for all.
  constructor(data, marks, by, largest = 30) {
    Object.assign(this, { data, marks, by, largest, shown: [], blocks: [], cursor: null });
  }

  // Blocks of [name, lifts], in the order of the groups.
  grouped(stateWords) {
    if (this.by === "state") {
      const found = KINDS.map((_kind, n) => [stateWords[n], []]);
      for (const i of this.shown) found[kindOf(this.data.codes[i])][1].push(i);
      return found.filter(([, lifts]) => lifts.length);
    }
    const { groups, of_group: ofGroup } = this.data.roster;
    const found = groups[this.by].map((one) => [worded(one.name), []]);
    for (const i of this.shown) found[ofGroup[this.by][i]][1].push(i);
    return found.filter(([, lifts]) => lifts.length);
  }

  // The largest pitch at which all fits the stage.
  lay(shown, width, height, stateWords) {
    this.shown = shown;
    const groups = this.grouped(stateWords);
    this.head = groups.length > MOST_NAMED ? 4 : LABEL;
    // wider or narrower blocks: whichever leaves the marks largest
    let [low, ratio] = [2.5, RATIOS[0]];
    for (const tried of RATIOS) {
      let [fits, over] = [low, this.largest];
      for (let turn = 0; turn < 9; turn += 1) {
        const middle = (fits + over) / 2;
        if (this.shelves(groups, middle, width, tried) <= height) fits = middle;
        else over = middle;
      }
      if (fits > low) [low, ratio] = [fits, tried];
    }
    this.pitch = low;
    this.height = this.shelves(groups, low, width, ratio);
    const n = this.data.codes.length;
    this.x = new Float32Array(n).fill(-1e6);
    this.y = new Float32Array(n).fill(-1e6);
    this.shown = [];
    for (const block of this.blocks) {
      block.lifts.forEach((i, at) => {
        this.x[i] = block.x + ((at % block.columns) + 0.5) * low;
        this.y[i] = block.y + this.head + (Math.floor(at / block.columns) + 0.5) * low;
        this.shown.push(i);
      });
    }
  }

  shelves(groups, pitch, width, ratio) {
    const most = Math.max(1, Math.floor((width - GAP) / pitch));
    const named = this.head === LABEL ? Math.ceil(56 / pitch) : 1;
    let [x, y, tall] = [GAP / 2, GAP / 2, 0];
    this.blocks = groups.map(([name, lifts]) => {
      const wide = Math.ceil(Math.sqrt(lifts.length * ratio));
      const held = Math.min(most, Math.max(Math.min(named, lifts.length), wide));
      const rows = Math.ceil(lifts.length / held);
      const columns = Math.ceil(lifts.length / rows); // no row of one mark below a long one
      const w = Math.max(columns, Math.min(named, most)) * pitch;
      if (x + w > width - GAP / 2 && x > GAP) [x, y, tall] = [GAP / 2, y + tall + GAP / 2, 0];
      const block = { name, lifts, columns, x, y, w };
      x += w + (this.head === LABEL ? GAP : 5);
      tall = Math.max(tall, this.head + rows * pitch);
      return block;
    });
    return y + tall + GAP;
  }

  placeOf(i) {
    return [this.x[i], this.y[i]];
  }

  pick(sx, sy, { k, x, y }) {
    const [wx, wy] = [(sx - x) / k, (sy - y) / k];
    let [best, least] = [null, Math.max(this.pitch * 0.75, 9 / k) ** 2];
    for (const i of this.shown) {
      const far = (this.x[i] - wx) ** 2 + (this.y[i] - wy) ** 2;
      if (far < least) [best, least] = [i, far];
    }
    return best;
  }

  // `part` [left, top, width, height]: what is drawn of the screen.
  draw(c, { k, x, y }, { part, ratio, old }) {
    const { codes } = this.data;
    const size = Math.max(2, this.pitch * k * 0.86);
    const raised = [];
    const square = size * 0.62;
    const reach = Math.max(size, 20);
    const [left, top] = [part[0] - reach, part[1] - reach];
    const [right, bottom] = [part[0] + part[2] + reach, part[1] + part[3] + reach];
    c.fillStyle = this.marks.colour(6);
    for (const i of this.shown) {
      const sx = this.x[i] * k + x;
      const sy = this.y[i] * k + y;
      if (sx < left || sy < top || sx > right || sy > bottom) continue;
      const code = codes[i];
      if (code === 0 && !old) c.fillRect(sx - square / 2, sy - square / 2, square, square);
      else if (kindOf(code) < 4) raised.push([i, sx, sy]);
      else this.mark(c, code, sx, sy, size, ratio, old);
    }
    raised.sort((a, b) => kindOf(codes[b[0]]) - kindOf(codes[a[0]]));
    for (const [i, sx, sy] of raised) {
      // never too small to be seen from afar, however many there are
      const grown = Math.max(size * 1.15, kindOf(codes[i]) ? 11 : 17);
      this.mark(c, codes[i], sx, sy, grown, ratio, old);
    }
    this.label(c, k, x, y);
    if (this.cursor !== null) this.ring(c, this.x[this.cursor] * k + x, this.y[this.cursor] * k + y, size);
  }

  mark(c, code, sx, sy, size, ratio, old) {
    const sprite = this.marks.sprite(code, Math.round(size * ratio), old);
    c.drawImage(sprite, sx - size / 2, sy - size / 2, size, size);
  }

  ring(c, sx, sy, size) {
    const r = Math.max(9, size * 0.9);
    c.lineWidth = 2.5;
    c.strokeStyle = this.marks.told("accent");
    c.strokeRect(sx - r, sy - r, 2 * r, 2 * r);
  }

  label(c, k, x, y) {
    c.font = `12.5px ${this.marks.told("font")}`;
    c.textBaseline = "alphabetic";
    if (this.head * k < 14) return;
    for (const block of this.blocks) {
      const room = block.w * k;
      const [left, base] = [block.x * k + x, (block.y + this.head) * k + y - 5];
      if (room < 46 || base < 0 || base > 5000 || left + room < 0) continue;
      const count = ` ${block.lifts.length}`;
      c.fillStyle = this.marks.told("muted");
      const { name } = block;
      const wide = c.measureText(name + count).width;
      const short = Math.max(1, Math.floor((name.length * (room - 12)) / wide));
      c.fillText(wide <= room ? name + count : `${name.slice(0, short)}…`, left, base);
    }
  }
}
