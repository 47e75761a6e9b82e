// Strips that the service has drawn: a cursor over all of them, zoom by dragging, keys for both.
import { _ } from "./texts.js";

const two = (n) => String(n).padStart(2, "0");

// The site's time, whatever zone the browser is in.
const parts = new Intl.DateTimeFormat("en-GB", {
  timeZone: document.documentElement.dataset.zone,
  hourCycle: "h23",
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

export function local(ms) {
  const told = Object.fromEntries(parts.formatToParts(ms).map((p) => [p.type, p.value]));
  return `${told.year}-${told.month}-${told.day}T${two(told.hour)}:${told.minute}:${told.second}`;
}

function values(strip) {
  const words = new Map(
    (strip.dataset.words || "").split("|").filter(Boolean).map((pair) => pair.split(/=(.*)/s)),
  );
  const unit = strip.dataset.unit;
  const told = (one) => words.get(one) ?? one.replace("-", "−");
  return {
    output: strip.querySelector("output"),
    list: strip.dataset.values.split(","),
    say(text) {
      const [lo, hi, last] = text.split("~");
      const said = hi === undefined ? told(lo) : `${told(last)} (${told(lo)} … ${told(hi)})`;
      return unit ? `${said} ${unit}` : said;
    },
  };
}

// go(fromMs, toMs): show another time.
export function watchStrips(root, go) {
  const box = root.querySelector("#strips");
  if (!box) return;
  const from = Number(box.dataset.from);
  const width = Number(box.dataset.width);
  const to = Number(box.dataset.to);
  const at = box.dataset.at === "" ? [] : box.dataset.at.split(",").map(Number);
  const strips = [...box.querySelectorAll(".strip[data-values]")].map(values);
  const cursor = box.querySelector(".cursor");
  const chosen = box.querySelector(".chosen");
  const said = root.querySelector("#cursor-said");
  const last = said.textContent;
  let place = at.length - 1;
  let dragged = null;

  const plot = () => {
    const axis = parseFloat(getComputedStyle(box).getPropertyValue("--axis"));
    return { left: axis, wide: box.clientWidth - axis };
  };
  const share = (event) => {
    const { left, wide } = plot();
    const x = event.clientX - box.getBoundingClientRect().left - left;
    return Math.min(1, Math.max(0, x / wide));
  };
  const put = (element, a, b) => {
    const { left, wide } = plot();
    element.style.left = `${left + a * wide}px`;
    if (b !== undefined) element.style.width = `${(b - a) * wide}px`;
  };

  function show(index) {
    if (!at.length) return;
    place = Math.min(at.length - 1, Math.max(0, index));
    const ms = from + at[place] * width;
    cursor.hidden = false;
    put(cursor, (ms - from + width / 2) / (to - from));
    said.textContent = local(ms).replace("T", " ");
    for (const strip of strips) {
      let i = place;
      while (i > 0 && strip.list[i] === "") i -= 1;
      strip.output.textContent = strip.list[i] ? strip.say(strip.list[i]) : "–";
    }
  }

  function leave() {
    cursor.hidden = true;
    said.textContent = last;
    for (const strip of strips) strip.output.textContent = strip.output.dataset.last;
  }

  function nearest(part) {
    const wanted = (part * (to - from)) / width - 0.5;
    let low = 0;
    let high = at.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (at[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return low > 0 && wanted - at[low - 1] < at[low] - wanted ? low - 1 : low;
  }

  box.addEventListener("pointermove", (event) => {
    const part = share(event);
    show(nearest(part));
    if (dragged === null) return;
    chosen.hidden = false;
    put(chosen, Math.min(dragged, part), Math.max(dragged, part));
  });
  box.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.pointerType === "touch") return;
    dragged = share(event);
    box.setPointerCapture(event.pointerId);
  });
  box.addEventListener("pointerup", (event) => {
    const part = share(event);
    chosen.hidden = true;
    if (dragged !== null && Math.abs(part - dragged) > 0.01) {
      const ends = [dragged, part].sort((a, b) => a - b).map((x) => from + x * (to - from));
      go(Math.round(ends[0]), Math.round(Math.max(ends[1], ends[0] + 60_000)));
    }
    dragged = null;
  });
  box.addEventListener("pointerleave", () => {
    if (dragged === null) leave();
  });
  box.addEventListener("blur", leave);
  // About the cursor, so that what is looked at stays in view.
  const zoom = (factor) => {
    const middle = cursor.hidden ? (from + to) / 2 : from + at[place] * width;
    const wide = Math.max(60_000, (to - from) * factor);
    go(middle - wide / 2, middle + wide / 2);
  };
  const keys = {
    ArrowLeft: () => show(place - 1),
    ArrowRight: () => show(place + 1),
    Home: () => show(0),
    End: () => show(at.length - 1),
    "+": () => zoom(0.5),
    "=": () => zoom(0.5),
    "-": () => zoom(2),
    PageUp: () => go(from - (to - from) / 2, to - (to - from) / 2),
    PageDown: () => go(from + (to - from) / 2, to + (to - from) / 2),
  };
  box.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
  return { busy: () => dragged !== null || !cursor.hidden };
}

export function progressWords(told) {
  return _("%(share)s, %(rows)s rows, %(mb)s MB", {
    share: `${Math.round(told.share * 100)} %`,
    rows: told.rows.toLocaleString(document.documentElement.lang),
    mb: (told.bytes / 1e6).toFixed(1),
  });
}
