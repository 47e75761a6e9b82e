// The map: the site's outlines, tiles if the site has a server, lifts in clusters, alerts on top.
import { kindOf, worded } from "./fleet_data.js";

const TILE = 256;
const CELL = 56; // px: lifts nearer than this are one cluster
const LOOK = {
  district: { line: "line-strong", width: 2, fill: "surface" },
  office: { line: "line-strong", width: 1, fill: "surface" },
  green: { fill: "map-green" },
  water: { fill: "map-water", line: "map-water", width: 6 },
  road: { line: "map-road", width: 2.2 },
};
const ORDER = ["district", "office", "green", "water", "road"];

// Web Mercator: the world is a square of side 1.
export const mercator = (lon, lat) => [
  (lon + 180) / 360,
  0.5 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / (2 * Math.PI),
];

export class LiftMap {
  constructor(data, marks, { tiles, maxZoom }) {
    Object.assign(this, { data, marks, tiles, maxZoom, shown: [], features: [], cursor: null });
    this.cache = new Map();
    this.clusters = [];
    this.onTile = () => {};
  }

  take(features) {
    this.features = ORDER.flatMap((kind) => features.filter((one) => one.kind === kind)).map((one) => {
      const path = new Path2D();
      const points = [];
      for (const line of one.lines) {
        line.forEach(([lon, lat], n) => {
          const [x, y] = this.local(mercator(lon, lat));
          if (n) path.lineTo(x, y);
          else path.moveTo(x, y);
          points.push([x, y]);
        });
        if (one.closed) path.closePath();
      }
      return { ...one, path, box: boxOf(points) };
    });
  }

  // World units: thousandths of the fitted square, so that single precision is enough.
  frame(points) {
    const box = boxOf(points);
    this.side = Math.max(box[2] - box[0], box[3] - box[1], 1e-6) / 1000;
    this.origin = [box[0], box[1]];
  }

  local([x, y]) {
    return [(x - this.origin[0]) / this.side, (y - this.origin[1]) / this.side];
  }

  lay(shown) {
    const { lat, lon } = this.data.roster;
    this.shown = shown;
    this.x = new Float64Array(lat.length);
    this.y = new Float64Array(lat.length);
    for (let i = 0; i < lat.length; i += 1) {
      [this.x[i], this.y[i]] = this.local(mercator(lon[i] / 1e5, lat[i] / 1e5));
    }
    this.gathered = null;
  }

  bounds() {
    const points = this.shown.map((i) => [this.x[i], this.y[i]]);
    const wide = this.features.filter((one) => one.kind === "district" || one.kind === "office");
    for (const { box } of wide) points.push([box[0], box[1]], [box[2], box[3]]);
    return points.length ? boxOf(points) : [0, 0, 1000, 1000];
  }

  placeOf(i) {
    return [this.x[i], this.y[i]];
  }

  // Calm lifts by cells of the world at this scale: stable while one pans, new when one zooms.
  gather(k) {
    const cell = 2 ** (Math.round(Math.log2(CELL / k) * 2) / 2);
    if (this.gathered === cell) return;
    this.gathered = cell;
    const found = new Map();
    this.raised = [];
    for (const i of this.shown) {
      const kind = kindOf(this.data.codes[i]);
      if (kind < 3) this.raised.push(i); // critical and major stand for themselves, always
      else {
        const key = `${Math.floor(this.x[i] / cell)},${Math.floor(this.y[i] / cell)}`;
        const one = found.get(key);
        if (one) one.push(i);
        else found.set(key, [i]);
      }
    }
    this.raised.sort((a, b) => kindOf(this.data.codes[b]) - kindOf(this.data.codes[a]));
    this.clusters = [...found.values()].map((lifts) => {
      const mean = (of) => lifts.reduce((sum, i) => sum + of[i], 0) / lifts.length;
      // where most of them are, but inside the own cell: so no two circles overlap
      const room = Math.min(radius(lifts.length) / k, cell / 2);
      const inside = (at) => {
        const low = Math.floor(at / cell) * cell;
        return Math.min(low + cell - room, Math.max(low + room, at));
      };
      const count = (kind) => lifts.filter((i) => kindOf(this.data.codes[i]) === kind).length;
      return { lifts, x: inside(mean(this.x)), y: inside(mean(this.y)), minor: count(3), silent: count(4) };
    });
  }

  pick(sx, sy, { k, x, y }) {
    this.gather(k);
    const near = (u, v, r) => Math.hypot(u * k + x - sx, v * k + y - sy) < r;
    for (const i of [...this.raised].reverse()) if (near(this.x[i], this.y[i], 13)) return i;
    const one = this.clusters.find((c) => near(c.x, c.y, radius(c.lifts.length)));
    if (!one) return null;
    return one.lifts.length === 1 ? one.lifts[0] : one;
  }

  draw(c, view, { width, height, ratio, old }) {
    const { k, x, y } = view;
    c.fillStyle = this.marks.told("map-ground");
    c.fillRect(0, 0, width, height);
    if (this.tiles) this.tile(c, view, width, height);
    for (const one of this.features) this.outline(c, one, view);
    for (const one of this.features) this.name(c, one, view, width);
    this.gather(k);
    const seen = (u, v) => u > -30 && v > -30 && u < width + 30 && v < height + 30;
    for (const one of this.clusters) {
      const [u, v] = [one.x * k + x, one.y * k + y];
      if (!seen(u, v)) continue;
      if (one.lifts.length === 1) this.mark(c, one.lifts[0], u, v, 14, ratio, old);
      else this.cluster(c, one, u, v, ratio, old);
    }
    for (const i of this.raised) {
      const [u, v] = [this.x[i] * k + x, this.y[i] * k + y];
      if (seen(u, v)) this.mark(c, i, u, v, kindOf(this.data.codes[i]) ? 19 : 25, ratio, old);
    }
    if (this.cursor !== null) {
      c.lineWidth = 3;
      c.strokeStyle = this.marks.told("accent");
      c.beginPath();
      c.arc(this.x[this.cursor] * k + x, this.y[this.cursor] * k + y, 17, 0, 7);
      c.stroke();
    }
  }

  mark(c, i, u, v, size, ratio, old) {
    c.fillStyle = this.marks.surface;
    c.beginPath();
    c.arc(u, v, size * 0.62, 0, 7);
    c.fill();
    const sprite = this.marks.sprite(this.data.codes[i], Math.round(size * ratio), old);
    c.drawImage(sprite, u - size / 2, v - size / 2, size, size);
  }

  cluster(c, one, u, v, ratio, old) {
    const r = radius(one.lifts.length);
    c.fillStyle = this.marks.surface;
    c.strokeStyle = this.marks.colour(6);
    c.lineWidth = 1.6;
    if (old || one.silent === one.lifts.length) c.setLineDash([3, 3]);
    c.beginPath();
    c.arc(u, v, r, 0, 7);
    c.fill();
    c.stroke();
    c.setLineDash([]);
    // the part of which nothing is known, as an arc; what is minor, as its own mark beside it
    if (one.silent && !old) {
      c.lineWidth = 4;
      c.setLineDash([2, 2]);
      c.beginPath();
      c.arc(u, v, r - 2, -Math.PI / 2, -Math.PI / 2 + (2 * Math.PI * one.silent) / one.lifts.length);
      c.stroke();
      c.setLineDash([]);
    }
    c.fillStyle = this.marks.told("text");
    c.font = `600 12px ${this.marks.told("font")}`;
    c.textAlign = "center";
    c.textBaseline = "middle";
    c.fillText(String(one.lifts.length), u, v + 0.5);
    c.textAlign = "start";
    if (one.minor) {
      const sprite = this.marks.sprite(12, Math.round(13 * ratio), old);
      c.drawImage(sprite, u + r * 0.5, v - r - 4, 13, 13);
    }
  }

  outline(c, one, { k, x, y }) {
    const look = LOOK[one.kind];
    c.save();
    c.translate(x, y);
    c.scale(k, k);
    if (look.fill && one.closed && !(this.tiles && look.fill === "surface")) {
      c.fillStyle = this.marks.told(look.fill);
      c.fill(one.path, "evenodd");
    }
    if (look.line) {
      c.strokeStyle = this.marks.told(look.line);
      c.lineWidth = (one.closed && one.kind === "water" ? 1 : look.width) / k;
      c.lineJoin = "round";
      c.stroke(one.path);
    }
    c.restore();
  }

  name(c, one, { k, x, y }, width) {
    const [left, top, right, bottom] = one.box;
    if (one.kind !== "office" || (right - left) * k < 90) return;
    const text = worded(one.name);
    c.font = `13px ${this.marks.told("font")}`;
    c.textAlign = "center";
    c.textBaseline = "middle";
    c.lineWidth = 3;
    c.strokeStyle = this.marks.surface;
    c.fillStyle = this.marks.told("muted");
    const [u, v] = [((left + right) / 2) * k + x, (top + (bottom - top) * 0.12) * k + y];
    const half = c.measureText(text).width / 2 + 4;
    const at = Math.max(half, Math.min(width - half, u));
    if (Math.abs(at - u) > half) return; // its office is hardly in sight
    c.strokeText(text, at, v);
    c.fillText(text, at, v);
    c.textAlign = "start";
  }

  tile(c, { k, x, y }, width, height) {
    // how many pixels the whole world is wide now, and the zoom whose tiles are that large
    const world = k / this.side;
    const zoom = Math.max(0, Math.min(this.maxZoom, Math.round(Math.log2(world / TILE))));
    const [n, size] = [2 ** zoom, world / 2 ** zoom];
    const [left, top] = [x - this.origin[0] * world, y - this.origin[1] * world];
    const range = (from, to) => [Math.max(0, Math.floor(from / size)), Math.min(n - 1, Math.floor(to / size))];
    const [x0, x1] = range(-left, width - left);
    const [y0, y1] = range(-top, height - top);
    for (let tx = x0; tx <= x1; tx += 1) {
      for (let ty = y0; ty <= y1; ty += 1) {
        const image = this.fetch(zoom, tx, ty);
        if (image.complete && image.naturalWidth) {
          c.drawImage(image, left + tx * size, top + ty * size, size + 0.5, size + 0.5);
        }
      }
    }
  }

  fetch(z, x, y) {
    const address = this.tiles.replace("{z}", z).replace("{x}", x).replace("{y}", y);
    let image = this.cache.get(address);
    if (!image) {
      if (this.cache.size > 400) this.cache.delete(this.cache.keys().next().value);
      image = new Image();
      image.referrerPolicy = "origin";
      image.addEventListener("load", () => this.onTile());
      image.src = address;
      this.cache.set(address, image);
    }
    return image;
  }
}

const radius = (n) => 10 + Math.min(12, Math.log2(n) * 1.6);

function boxOf(points) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of points) {
    box[0] = Math.min(box[0], x);
    box[1] = Math.min(box[1], y);
    box[2] = Math.max(box[2], x);
    box[3] = Math.max(box[3], y);
  }
  return box;
}
