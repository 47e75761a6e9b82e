// The tally above a picture, and what is said when something changes for the worse.
import { KINDS, kindOf, stateWord } from "./fleet_data.js";
import { refresh } from "./regions.js";

const CODE_OF = [16, 4, 8, 12, 2, 1, 0];
let calling = null;
let waiting = 0;

export const stateNames = () => CODE_OF.map((code) => stateWord(code));

// `changed`: places of the roster whose state is another now; null: all is new.
export function tell(data, shown, changed) {
  const counts = data.counts(shown);
  KINDS.forEach((kind, n) => {
    const row = document.querySelector(`#tally [data-state="${kind}"]`);
    if (!row) return;
    row.querySelector("b").textContent = String(counts[n]);
    row.classList.toggle("calls", n < 4 && counts[n] > 0);
  });
  const visible = new Set(shown);
  const now = new Set(shown.filter((i) => kindOf(data.codes[i]) < 4));
  if (changed && calling) {
    const fresh = changed.filter((i) => now.has(i) && visible.has(i) && !calling.has(i));
    const said = fresh.slice(0, 3).map((i) => data.words(i).slice(0, 3).join(", "));
    if (said.length) document.getElementById("changed").textContent = said.join("; ");
    const same = fresh.length === 0 && now.size === calling.size;
    if (!same) renew();
  }
  calling = now;
}

// The list in words is the service's: asked for anew, at most every two seconds.
function renew() {
  if (waiting || !document.getElementById("calling")) return;
  waiting = setTimeout(async () => {
    waiting = 0;
    try {
      await refresh();
    } catch {
      // the banner tells
    }
  }, 2000);
}
