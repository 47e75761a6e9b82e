// While the chain is checked, how far it is.
import "./common.js";
import { refresh } from "./regions.js";

const timer = setInterval(() => {
  if (document.getElementById("check")?.dataset.state !== "running") clearInterval(timer);
  else if (!document.hidden) refresh().catch(() => {});
}, 700);
