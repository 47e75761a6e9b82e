// The signals as strips over one time axis, drawn as SVG: zoomed, and with a cursor in all of them.
import { make } from "./shaft.js";
import { clock } from "./words.js";

const TALL = 64;
const FLAT = 46;
const GAP = 26;
const AXIS = 22;
const END = 8;
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];

const isLine = (track) => track.kind === "float";

// Lowest and highest value with some room; a level line is not stretched to noise.
function range(track) {
  if (track.kind === "bool") return [-0.2, 1.2];
  let [lo, hi] = [Infinity, -Infinity];
  for (const value of track.v) {
    if (value !== null && value < lo) lo = value;
    if (value !== null && value > hi) hi = value;
  }
  const room = Math.max((hi - lo) * 0.12, track.kind === "float" ? Math.abs(hi) * 0.05 || 0.1 : 0.5);
  lo -= room;
  hi += room;
  return [lo, hi];
}

export class Strips {
  // onSeek(ms since the beginning) when somebody points at a moment.
  constructor(box, story, onSeek) {
    this.box = box;
    this.story = story;
    this.view = [story.begin, story.length];
    this.svg = make("svg", { class: "strips", "aria-hidden": "true" });
    box.replaceChildren(this.svg);
    this.listen(onSeek);
    this.draw();
  }

  listen(onSeek) {
    const seek = (event) => {
      const left = this.svg.getBoundingClientRect().left;
      onSeek(Math.min(this.view[1], Math.max(this.view[0], this.time(event.clientX - left))));
    };
    this.svg.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      this.svg.setPointerCapture(event.pointerId);
      seek(event);
    });
    this.svg.addEventListener("pointermove", (event) => event.buttons === 1 && seek(event));
    this.svg.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey) return; // the page scrolls as ever
        event.preventDefault();
        const left = this.svg.getBoundingClientRect().left;
        this.zoom(event.deltaY < 0 ? 0.7 : 1 / 0.7, this.time(event.clientX - left));
      },
      { passive: false },
    );
  }

  zoom(by, about) {
    const [from, to] = this.view;
    const { begin, length } = this.story;
    const wide = Math.min(length - begin, Math.max(10_000, (to - from) * by));
    const share = (about - from) / Math.max(1, to - from);
    this.look(about - share * wide, wide);
  }

  look(from, wide) {
    const begin = Math.max(this.story.begin, Math.min(from, this.story.length - wide));
    this.view = [begin, begin + wide];
    this.draw();
  }

  // All of it again.
  reset() {
    this.view = [this.story.begin, this.story.length];
    this.draw();
  }

  // The cursor stays in sight while it moves on.
  follow(at) {
    const [from, to] = this.view;
    if (at >= from && at <= to) return;
    this.look(at - (to - from) * 0.15, to - from);
  }

  x(at) {
    const [from, to] = this.view;
    return this.gutter + ((at - from) / Math.max(1, to - from)) * this.plot;
  }

  time(x) {
    const [from, to] = this.view;
    return from + ((x - this.gutter) / this.plot) * (to - from);
  }

  draw() {
    const { svg, story } = this;
    const width = Math.max(280, this.box.clientWidth);
    this.width = width;
    this.gutter = width < 460 ? 62 : 84;
    this.plot = width - this.gutter - END;
    const rows = story.strips();
    const heights = rows.map(([, track]) => (track.kind === "bool" ? FLAT : TALL));
    const height = heights.reduce((sum, h) => sum + h + GAP, 0) + AXIS;
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("height", height);
    this.bottom = height - AXIS;
    this.clip();
    this.marks();
    this.readings = new Map();
    let top = 0;
    rows.forEach(([name, track], i) => {
      this.strip(name, track, top + GAP - 6, heights[i]);
      top += heights[i] + GAP;
    });
    this.axis();
    this.cursorLine = make("line", { class: "cursor", y1: 12, y2: this.bottom }, svg);
    this.point(this.cursor ?? 0);
  }

  clip() {
    const id = "strips-plot";
    const clip = make("clipPath", { id }, make("defs", {}, this.svg));
    make("rect", { x: this.gutter, y: 0, width: this.plot, height: this.bottom }, clip);
    this.inside = make("g", { "clip-path": `url(#${id})` }, this.svg);
  }

  // Without samples; the condition held; the alert was raised.
  marks() {
    const { since_ms: since, raised_ms: raised, from_ms: from } = this.story.data;
    for (const [a, b] of this.story.gaps) this.bar("gap", a, b);
    this.bar("held", since - from, raised - from);
    const x = this.x(raised - from);
    make("line", { class: "raised", x1: x, x2: x, y1: 12, y2: this.bottom }, this.inside);
  }

  bar(kind, from, to) {
    const [a, b] = [this.x(from), this.x(to)];
    const [x, wide] = [Math.max(0, a), Math.min(this.width, b) - Math.max(0, a)];
    if (wide <= 0) return;
    make("rect", { class: kind, x, y: 12, width: wide, height: this.bottom - 12 }, this.inside);
  }

  strip(name, track, top, tall) {
    const [lo, hi] = range(track);
    const y = (value) => top + tall - ((value - lo) / (hi - lo)) * tall;
    make("rect", { class: "ground", x: this.gutter, y: top, width: this.plot, height: tall }, this.svg);
    const title = make("text", { class: "strip-name", x: this.gutter, y: top - 5 }, this.svg);
    title.textContent = track.unit ? `${track.name} (${track.unit})` : track.name;
    const reading = make("text", { class: "reading", x: this.width - END, y: top - 5 }, this.svg);
    this.readings.set(name, reading);
    this.scale(track, lo, hi, y);
    make("path", { class: "curve", d: this.path(track, y) }, this.inside);
  }

  scale(track, lo, hi, y) {
    let ticks = Object.entries(track.words).map(([code, word]) => [Number(code), word]);
    if (!ticks.length) {
      const whole = track.kind === "int";
      const [a, b] = whole ? [Math.ceil(lo), Math.floor(hi)] : [lo + (hi - lo) * 0.1, hi - (hi - lo) * 0.1];
      const digits = whole ? 0 : hi - lo < 10 ? 1 : 0;
      ticks = [...new Set([a, b])].map((value) => [value, value.toFixed(digits).replace("-", "−")]);
    }
    let last = Infinity;
    for (const [value, word] of ticks.sort((one, two) => one[0] - two[0])) {
      const at = y(value);
      if (value < lo || value > hi || last - at < 12) continue; // no room for its word
      last = at;
      make("line", { class: "grid", x1: this.gutter, x2: this.width - END, y1: at, y2: at }, this.svg);
      const most = this.gutter < 80 ? 7 : 12;
      const text = make("text", { class: "tick", x: this.gutter - 6, y: at + 4 }, this.svg);
      text.textContent = word.length > most ? `${word.slice(0, most - 1)}…` : word;
    }
  }

  path(track, y) {
    const [from, to] = this.view;
    const first = Math.max(0, track.index(from));
    const last = Math.min(track.t.length - 1, track.index(to) + 1);
    const gap = isLine(track) ? Math.max(this.story.data.fresh_ms, (this.story.length / 300) | 0) : Infinity;
    let d = "";
    let before = null;
    for (let i = first; i <= last; i += 1) {
      const value = track.v[i];
      if (value === null) {
        before = null;
        continue;
      }
      const [px, py] = [this.x(track.t[i]).toFixed(1), y(value).toFixed(1)];
      const joined = before !== null && track.t[i] - before <= gap;
      d += !joined ? `M${px} ${py}` : isLine(track) ? `L${px} ${py}` : `H${px}V${py}`;
      before = track.t[i];
    }
    return d;
  }

  axis() {
    const [from, to] = this.view;
    const room = this.plot / 62; // so many labels fit
    const step = 1000 * (STEPS_S.find((s) => (to - from) / 1000 / s <= room) ?? 7200);
    const begin = this.story.data.from_ms;
    for (let at = Math.ceil((begin + from) / step) * step; at <= begin + to; at += step) {
      const x = this.x(at - begin);
      make("line", { class: "grid", x1: x, x2: x, y1: 16, y2: this.bottom }, this.inside);
      if (x < this.gutter + 4 || x > this.width - 30) continue; // its half would be cut off
      const label = make("text", { class: "time", x, y: this.bottom + 15 }, this.svg);
      label.textContent = step % 60_000 ? clock(at) : clock(at).slice(0, 5);
    }
  }

  // Put the cursor at a moment, and say at each strip what it shows there.
  point(at) {
    this.cursor = at;
    const x = this.x(at);
    this.cursorLine.setAttribute("x1", x);
    this.cursorLine.setAttribute("x2", x);
    this.cursorLine.style.visibility = x < this.gutter || x > this.width ? "hidden" : "visible";
    for (const [name, reading] of this.readings) {
      const track = this.story.tracks[name];
      const word = this.story.silent(at) ? "–" : track.word(track.at(at));
      if (reading.textContent !== word) reading.textContent = word;
    }
  }
}
