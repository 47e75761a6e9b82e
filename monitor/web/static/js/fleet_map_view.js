// A live map in a stage: used by the map's page and by the big screen.
import { Cursor } from "./fleet_cursor.js";
import { mercator, LiftMap } from "./fleet_map.js";
import { Stage } from "./fleet_stage.js";
import { ngettext } from "./texts.js";

export class MapView {
  constructor(box, data, marks, options) {
    this.data = data;
    this.map = new LiftMap(data, marks, options);
    this.map.onTile = () => this.stage.ask();
    this.ready = false;
    this.stage = new Stage(box, {
      draw: (c, view) => this.draw(c, view),
      pick: (x, y, view) => (this.ready ? this.map.pick(x, y, view) : null),
      onPoint: (what, x, y) => this.point(what, x, y),
      onOpen: (what, event) => this.open(what, event),
      onKey: (event) => this.ready && this.cursor.key(event),
      onResize: () => this.ready && this.fit(),
      fit: () => this.fit(),
    });
    this.stage.most = 400;
    this.stage.least = 0.05;
    this.cursor = new Cursor(data, this.stage, (i) => this.map.placeOf(i));
    document.addEventListener("marks", () => this.stage.ask());
  }

  async load() {
    const told = await this.data.ask(`/api/v1/fleet/outlines?datum=${this.data.datum}`);
    this.features = told.features;
  }

  lay(shown) {
    const { lat, lon } = this.data.roster;
    const first = !this.ready;
    if (first) {
      const points = this.features.flatMap((one) => one.lines.flat());
      if (!points.length) shown.forEach((i) => points.push([lon[i] / 1e5, lat[i] / 1e5]));
      this.map.frame(points.map(([x, y]) => mercator(x, y)));
      this.map.take(this.features);
    }
    this.map.lay(shown);
    this.cursor.shown = shown;
    this.ready = true;
    if (first) this.fit();
    this.stage.ask();
  }

  change() {
    this.map.gathered = null;
    this.stage.ask();
  }

  fit() {
    const [left, top, right, bottom] = this.map.bounds();
    const { width, height } = this.stage;
    const k = 0.94 * Math.min(width / (right - left || 1), height / (bottom - top || 1));
    this.stage.least = k * 0.5;
    const x = width / 2 - ((left + right) / 2) * k;
    this.stage.view = { k, x, y: height / 2 - ((top + bottom) / 2) * k };
    this.stage.ask();
  }

  draw(c, view) {
    if (!this.ready) return;
    const { width, height, ratio } = this.stage;
    this.map.cursor = this.cursor.at;
    this.map.draw(c, view, { width, height, ratio, old: this.data.stale });
  }

  point(what, x, y) {
    if (what === null || typeof what === "number") {
      if (what !== this.cursor.at) this.cursor.point(what, false);
      return;
    }
    const { tip } = this.cursor;
    tip.textContent = ngettext("%(num)d lift", "%(num)d lifts", what.lifts.length);
    tip.hidden = false;
    this.cursor.move(x, y);
  }

  // A cluster opens by going nearer; lifts of one shaft never part, so the nearest view opens one.
  open(what, event) {
    if (typeof what === "number") this.cursor.open(what);
    else if (this.stage.view.k < this.stage.most) this.stage.zoom(2.2, ...this.stage.at(event));
    else this.cursor.point(what.lifts[0], true);
  }
}
