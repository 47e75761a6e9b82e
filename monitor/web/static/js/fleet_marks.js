// The marks of the fleet: each state has a shape of its own, and a colour beside it.
import { kindOf, silent } from "./fleet_data.js";

const OCTAGON = [0.3, 0.02, 0.7, 0.02, 0.98, 0.3, 0.98, 0.7, 0.7, 0.98, 0.3, 0.98, 0.02, 0.7, 0.02, 0.3];
const NAMES = ["critical", "critical", "major", "minor", "calm", "calm", "calm"];

function poly(c, s, points) {
  c.beginPath();
  for (let i = 0; i < points.length; i += 2) c.lineTo(points[i] * s, points[i + 1] * s);
  c.closePath();
}

function hatch(c, s) {
  c.lineWidth = Math.max(1, s / 11);
  c.strokeRect(s * 0.12, s * 0.12, s * 0.76, s * 0.76);
  c.beginPath();
  for (const [x, y, u, v] of [[0.12, 0.5, 0.5, 0.12], [0.12, 0.88, 0.88, 0.12], [0.5, 0.88, 0.88, 0.5]]) {
    c.moveTo(x * s, y * s);
    c.lineTo(u * s, v * s);
  }
  c.stroke();
}

const SHAPES = [
  (c, s, surface) => {
    poly(c, s, OCTAGON);
    c.fill();
    c.fillStyle = surface;
    c.beginPath();
    c.arc(s / 2, s * 0.34, s * 0.13, 0, 7);
    c.fill();
    c.beginPath();
    c.ellipse(s / 2, s * 0.8, s * 0.23, s * 0.27, 0, Math.PI, 0);
    c.fill();
  },
  (c, s) => {
    poly(c, s, OCTAGON);
    c.fill();
  },
  (c, s) => {
    poly(c, s, [0.5, 0.05, 1, 0.95, 0, 0.95]);
    c.fill();
  },
  (c, s) => {
    c.lineWidth = Math.max(1.4, s / 8);
    poly(c, s, [0.5, 0.1, 0.9, 0.5, 0.5, 0.9, 0.1, 0.5]);
    c.stroke();
  },
  hatch,
  (c, s) => {
    c.lineWidth = Math.max(1, s / 9);
    c.strokeRect(s * 0.15, s * 0.15, s * 0.7, s * 0.7);
    c.beginPath();
    c.moveTo(s * 0.3, s / 2);
    c.lineTo(s * 0.7, s / 2);
    c.stroke();
  },
  (c, s) => c.fillRect(s * 0.2, s * 0.2, s * 0.6, s * 0.6),
];

export class Marks {
  constructor() {
    this.kept = new Map();
    document.addEventListener("theme", () => this.renew());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.renew());
    this.renew();
  }

  renew() {
    const style = getComputedStyle(document.documentElement);
    const told = (name) => style.getPropertyValue(`--${name}`).trim();
    this.colours = NAMES.map(told);
    this.surface = told("surface");
    this.told = told;
    this.kept.clear();
    document.dispatchEvent(new CustomEvent("marks"));
  }

  colour(kind) {
    return this.colours[kind];
  }

  // A picture of a code, `size` device pixels wide; all that is old looks old.
  sprite(code, size, old = false) {
    const kind = old && kindOf(code) > 3 ? 4 : kindOf(code);
    const quiet = old || silent(code);
    const key = `${kind}${quiet}${size}`;
    let found = this.kept.get(key);
    if (found) return found;
    if (this.kept.size > 200) this.kept.clear(); // zooming leaves many sizes behind
    found = new OffscreenCanvas(size, size);
    const c = found.getContext("2d");
    c.strokeStyle = c.fillStyle = this.colours[kind];
    SHAPES[kind](c, size, this.surface);
    if (quiet && kind < 4) {
      c.strokeStyle = this.surface;
      c.lineWidth = Math.max(1, size / 12);
      c.beginPath();
      c.moveTo(0, size);
      c.lineTo(size, 0);
      c.stroke();
    }
    found = found.transferToImageBitmap(); // drawn ten thousand times: a picture, not a canvas
    this.kept.set(key, found);
    return found;
  }
}
