// The wall's page: live marks, and the same in words for those who do not see them.
import "./common.js";
import "./fleet_find.js";
import { Cursor } from "./fleet_cursor.js";
import { FleetData } from "./fleet_data.js";
import { Marks } from "./fleet_marks.js";
import { Stage } from "./fleet_stage.js";
import { stateNames, tell } from "./fleet_tally.js";
import { Wall } from "./fleet_wall.js";

const box = document.getElementById("stage");
const groups = JSON.parse(box.dataset.groups);
const marks = new Marks();
const data = new FleetData({ onRoster: lay, onStates: change, onStale: () => stage.ask() });
const wall = new Wall(data, marks, box.dataset.by, 48);
const stage = new Stage(box, {
  draw: (c, view, part) => {
    if (!data.roster) return;
    wall.cursor = cursor.at;
    wall.draw(c, view, { part, ratio: stage.ratio, old: data.stale });
  },
  pick: (x, y, view) => (data.roster ? wall.pick(x, y, view) : null),
  onPoint: (i) => cursor.at !== i && cursor.point(i, false),
  onOpen: (i) => cursor.open(i),
  onKey: (event) => Boolean(data.roster) && cursor.key(event),
  onResize: () => data.roster && lay(),
  fit,
  limit: (view) => {
    const [w, h] = [stage.width, Math.max(stage.height, wall.height)];
    view.x = Math.min(0, Math.max(stage.width - w * view.k, view.x));
    view.y = Math.min(0, Math.max(stage.height - h * view.k, view.y));
  },
});
const cursor = new Cursor(data, stage, (i) => wall.placeOf(i));

function lay() {
  wall.lay(data.chosen(groups), stage.width, stage.height, stateNames());
  cursor.shown = wall.shown;
  if (cursor.at !== null && !wall.shown.includes(cursor.at)) cursor.point(null, false);
  tell(data, data.chosen({ ...groups, state: "" }), null);
  box.dataset.ready = "yes";
  fit();
}

// A change of state moves a mark only where states are what is grouped by, or chosen.
function change(places) {
  tell(data, data.chosen({ ...groups, state: "" }), places);
  if (box.dataset.by === "state" || groups.state) {
    wall.lay(data.chosen(groups), stage.width, stage.height, stateNames());
    cursor.shown = wall.shown;
    stage.ask();
  }
  if (places.includes(cursor.at)) cursor.point(cursor.at, false);
  for (const i of places) stage.ask(...cursor.screen(i), Math.max(30, wall.pitch * stage.view.k));
}

function fit() {
  stage.view = { k: 1, x: 0, y: 0 };
  stage.ask();
}

document.addEventListener("marks", () => stage.ask());
box.addEventListener("focus", () => cursor.at === null && cursor.shown.length && cursor.point(cursor.shown[0], true));
box.fleet = { data, wall, stage, cursor };
