// The banner that says that what is seen may be old. A page may hear the service in several ways: as
// long as one of them is ill the banner stands, and tells of the first that fell ill.
import { _ } from "./texts.js";

export const STALE_MS = 3000;
const banner = document.getElementById("stale");
const told = new Map(); // source → text, of those that are ill

// What one source has to say; nothing where it is well.
export function showStale(source, text) {
  if (text) told.set(source, text);
  else told.delete(source);
  const [first] = told.values();
  if (first && banner.textContent !== first) banner.textContent = first;
  banner.hidden = !first;
}

// A source was heard `silent` ms ago, and the service's processing was `behind` then. Returns
// whether what it told is stale.
export function watchStale(source, silent, behind) {
  const stale = silent > STALE_MS || behind > STALE_MS;
  const s = Math.round(Math.max(silent, behind) / 1000);
  const text =
    silent > STALE_MS
      ? _("No connection to the service for %(s)d s: what you see may be out of date.", { s })
      : _("The service has processed no data for %(s)d s: alerts may be late.", { s });
  showStale(source, stale ? text : "");
  return stale;
}
