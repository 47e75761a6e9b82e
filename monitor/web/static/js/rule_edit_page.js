// While a back-test runs, its part of the page is renewed; the rest of the form stays as typed.
import "./common.js";
import { refresh } from "./regions.js";

const running = () => document.getElementById("trial")?.dataset.state === "running";

const timer = setInterval(() => {
  if (!running()) clearInterval(timer);
  else if (!document.hidden) refresh().catch(() => {});
}, 1000);
