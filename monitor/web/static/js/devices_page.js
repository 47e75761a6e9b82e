// One's own devices: push for this one.
import "./common.js";
import { install } from "./pwa.js";

install();
