// The big screen: figures in large type, wall and map in turn; stays where somebody is held.
import "./clock.js";
import { now } from "./clock.js";
import { Feed } from "./feed.js";
import { FleetData, kindOf } from "./fleet_data.js";
import { MapView } from "./fleet_map_view.js";
import { Marks } from "./fleet_marks.js";
import { Stage } from "./fleet_stage.js";
import { Wall } from "./fleet_wall.js";
import { refresh } from "./regions.js";

const TURN_MS = 45_000;
const STAY_MS = 10 * 60_000;
const HOUR_MS = 3_600_000;
const zone = document.documentElement.dataset.zone;
const lang = document.documentElement.lang;
const boxes = [document.getElementById("big-wall"), document.getElementById("big-map")];
const marks = new Marks();
const known = new Set();
let staying = 0; // until then the view stays: something life-critical has come
let turned = performance.now();
let loaded = false;

const data = new FleetData({ onRoster: lay, onStates: change, onStale: again });
const wall = new Wall(data, marks, "street_office", 64);
const stage = new Stage(boxes[0], {
  draw: (c, view, part) => {
    if (loaded) wall.draw(c, view, { part, ratio: stage.ratio, old: data.stale });
  },
  pick: () => null,
  onPoint: () => {},
  onOpen: () => {},
  onKey: () => false,
  fit: () => {},
  onResize: () => data.roster && loaded && lay(),
});
const map = new MapView(boxes[1], data, marks, { tiles: "", maxZoom: 18 });

function again() {
  stage.ask();
  map.stage.ask();
}

async function lay() {
  const all = data.chosen({});
  wall.lay(all, stage.width, stage.height, []);
  stage.view = { k: 1, x: 0, y: 0 };
  if (!loaded) await map.load().catch(() => (map.features = []));
  loaded = true;
  map.lay(all);
  known.clear();
  all.filter((i) => kindOf(data.codes[i]) < 2).forEach((i) => known.add(i));
  again();
  boxes[0].dataset.ready = "yes";
}

function change(places) {
  for (const i of places) {
    if (kindOf(data.codes[i]) > 1) known.delete(i);
    else if (!known.has(i)) {
      known.add(i);
      staying = performance.now() + STAY_MS;
      show(1); // where it is, is what matters now
    }
  }
  if (loaded) map.change();
  stage.ask();
}

function show(which) {
  boxes.forEach((box, n) => box.classList.toggle("off", n !== which));
  document.body.dataset.view = which ? "map" : "wall";
  turned = performance.now();
}

function tick() {
  const at = new Date(now());
  const told = (options) => new Intl.DateTimeFormat(lang, { timeZone: zone, ...options }).format(at);
  document.getElementById("clock").textContent = told({
    hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
  });
  document.getElementById("day").textContent = told({
    weekday: "long", year: "numeric", month: "long", day: "numeric",
  });
  const at_ms = performance.now();
  document.body.dataset.staying = at_ms < staying ? "yes" : "no";
  if (at_ms > staying && at_ms - turned > TURN_MS) show(document.body.dataset.view === "map" ? 0 : 1);
}

// Figures are the service's, asked for when the feed says that something has happened, and each
// minute all the same: asking for the page also keeps the sign-in from running out.
let due = 0;
async function renew() {
  due = performance.now() + 60_000;
  try {
    await refresh();
  } catch {
    due = performance.now() + 3000;
  }
}
new Feed(document.body.dataset.cursor, () => (due = Math.min(due, performance.now() + 700)));
setInterval(() => performance.now() > due && renew(), 300);
setInterval(tick, 1000);
tick();
renew();
show(0);
// A browser left alone for a week: a fresh page each night costs nothing and keeps nothing.
setTimeout(() => {
  setInterval(() => !data.stale && performance.now() > staying && location.reload(), HOUR_MS);
}, 23 * HOUR_MS);
boxes[0].fleet = { data, wall, stage, map, show };
