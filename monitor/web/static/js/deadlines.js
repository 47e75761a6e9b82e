// The deadlines' line: now moves on by itself, on the scale the service drew it.
import { now } from "./clock.js";

const EDGE = 1.5; // as in monitor/web/console/deadlines.py

export function moveLine() {
  const line = document.querySelector("svg.deadlines[data-start]");
  if (!line) return;
  const { start, longest } = line.dataset;
  const after = Math.min(Number(longest), Math.max(0, now() - Number(start)));
  const x = `${(EDGE + (100 - 2 * EDGE) * Math.sqrt(after / Number(longest) || 0)).toFixed(2)}%`;
  line.querySelector(".line-run").setAttribute("x2", x);
  const mark = line.querySelector(".line-now");
  mark.setAttribute("x1", x);
  mark.setAttribute("x2", x);
}
