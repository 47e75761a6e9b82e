// A moment in words: what the drawing shows, for who does not see it.
import { _, ngettext } from "../texts.js";

const { lang, dataset } = document.documentElement;
const [colon, comma] = lang.startsWith("zh") ? ["：", "，"] : [": ", ", "];
const clocks = new Intl.DateTimeFormat(lang, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
  timeZone: dataset.zone,
});

export function clock(epochMs) {
  return clocks.format(epochMs);
}

const LEVEL_MM = 10; // less than that nobody calls a step

export function floorWord(floor) {
  if (floor === null) return _("floor unknown");
  return _("floor %(n)s", { n: String(floor).replace("-", "−") });
}

function where({ floor, zone, offset, moving, direction, speed }) {
  const at = { floor: floorWord(floor) };
  if (moving) {
    const fast = speed === null ? "" : ` (${Math.abs(speed).toFixed(1)} m/s)`;
    return (direction === "down" ? _("going down, %(floor)s", at) : _("going up, %(floor)s", at)) + fast;
  }
  if (zone === 0) return _("stopped between floors, counter shows %(floor)s", at);
  if (offset !== null && Math.abs(offset) >= LEVEL_MM) {
    const far = { ...at, far: (Math.abs(offset) / 1000).toFixed(2) };
    return offset > 0
      ? _("stopped %(far)s m above %(floor)s", far)
      : _("stopped %(far)s m below %(floor)s", far);
  }
  return zone ? _("stopped level at %(floor)s", at) : _("stopped at %(floor)s", at);
}

export function level({ zone, offset, moving }) {
  if (moving || zone === null) return "–";
  if (zone === 0) return _("not at a floor");
  if (offset === null || Math.abs(offset) < LEVEL_MM) return _("level");
  return `${offset > 0 ? "+" : "−"}${Math.abs(offset).toFixed(0)} mm`;
}

export function told(frame, fromMs) {
  const at = clock(fromMs + frame.at);
  if (frame.silent) {
    const since = clock(fromMs + frame.silent[0]);
    return _("%(at)s: nothing was heard from this lift since %(since)s", { at, since });
  }
  const people = frame.people
    ? ngettext("%(num)d person in the car", "%(num)d people in the car", frame.people)
    : _("nobody seen in the car");
  const what = [where(frame), _("door %(state)s", { state: frame.doorWord }), people];
  return at + colon + what.join(comma);
}
