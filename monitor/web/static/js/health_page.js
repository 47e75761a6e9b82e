// Health, renewed every three seconds.
import "./common.js";
import { refresh } from "./regions.js";

setInterval(() => {
  if (!document.hidden) refresh().catch(() => {});
}, 3000);
