// The lift, drawn: car, door and floor follow what it says; when it says nothing, it turns grey.
import "./common.js";
import { drawCharts } from "./chart.js";
import { tellTime } from "./clock.js";
import { refresh } from "./regions.js";

const page = document.getElementById("lift");
const shaft = document.getElementById("shaft");
const EVERY_MS = 1000;

function place(live) {
  const { lo, hi, top, step } = shaft.dataset;
  const car = shaft.querySelector(".car");
  const floor = Math.min(Number(hi), Math.max(Number(lo), live.position ?? Number(lo)));
  const y = Number(top) + (Number(hi) - floor) * Number(step);
  car.style.transform = `translateY(${y}px)`;
  shaft.dataset.state = live.state;
  shaft.dataset.door = live.door;
  shaft.dataset.direction = live.direction;
  shaft.dataset.people = live.people > 0 || live.passenger ? "yes" : "no";
  shaft.querySelector(".car-floor").textContent = live.position === null ? "?" : live.position;
}

async function look() {
  try {
    const answer = await fetch(`/lifts/${page.dataset.reg}/live`);
    if (answer.status === 401) location.reload();
    const live = await answer.json();
    tellTime(live.now_ms);
    place(live);
    document.getElementById("stale").hidden = true;
    for (const [name, words] of Object.entries(live.words)) {
      const cell = document.querySelector(`[data-channel="${name}"]`);
      if (!cell) continue;
      if (cell.textContent !== words.value) cell.textContent = words.value;
      cell.classList.toggle("old", words.old);
    }
    const state = document.getElementById("live-state");
    state.textContent = live.state_word;
    state.className = `chip ${live.state_tone}`;
    if (live.alerts !== page.dataset.alerts) {
      page.dataset.alerts = live.alerts;
      await refresh();
    }
  } catch {
    shaft.dataset.state = "stale";
    document.getElementById("live-state").className = "chip";
    const banner = document.getElementById("stale");
    banner.textContent = page.dataset.lost;
    banner.hidden = false;
  } finally {
    setTimeout(look, document.hidden ? 5 * EVERY_MS : EVERY_MS);
  }
}

look();
drawCharts();
