// One's own account: push for this device.
import "./common.js";
import { install } from "./pwa.js";

install();
