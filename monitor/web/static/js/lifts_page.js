// The wall of lifts: renewed every two seconds while somebody looks.
import "./common.js";
import { refresh } from "./regions.js";

const wall = document.getElementById("wall");
const banner = document.getElementById("stale");

async function look() {
  try {
    if (!document.hidden) await refresh();
    banner.hidden = true;
  } catch {
    banner.textContent = wall.dataset.lost;
    banner.hidden = false;
  }
  setTimeout(look, 2000);
}

setTimeout(look, 2000);
