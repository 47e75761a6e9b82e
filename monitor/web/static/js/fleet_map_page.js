// The map's page.
import "./common.js";
import "./fleet_find.js";
import { FleetData } from "./fleet_data.js";
import { MapView } from "./fleet_map_view.js";
import { Marks } from "./fleet_marks.js";
import { tell } from "./fleet_tally.js";

const box = document.getElementById("stage");
const { tiles, datum, max } = document.getElementById("mapdata").dataset;
const groups = JSON.parse(box.dataset.groups);
let loaded = false;

const data = new FleetData({
  datum: tiles ? datum : "wgs84",
  onRoster: lay,
  onStates: (places) => {
    if (!loaded) return;
    tell(data, data.chosen({ ...groups, state: "" }), places);
    if (groups.state) view.lay(data.chosen(groups));
    view.change();
  },
  onStale: () => view.stage.ask(),
});
const view = new MapView(box, data, new Marks(), { tiles, maxZoom: Number(max) });

async function lay() {
  if (!loaded) {
    try {
      await view.load();
    } catch {
      setTimeout(lay, 2000);
      return;
    }
  }
  loaded = true;
  view.lay(data.chosen(groups));
  tell(data, data.chosen({ ...groups, state: "" }), null);
  box.dataset.ready = "yes";
}

box.fleet = { data, view };
