// A mechanic's page works without this; with it, it counts down and shows what others did.
import "./common.js";
import { refresh } from "./regions.js";

setInterval(() => {
  if (!document.hidden) refresh().catch(() => {});
}, 5000);
