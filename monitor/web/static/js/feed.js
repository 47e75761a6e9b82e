// The live feed. It says by itself when it is not live.
import { now, tellTime } from "./clock.js";
import { STALE_MS, watchStale } from "./staleness.js";
import { _ } from "./texts.js";

export class Feed {
  // onEvent(event) for each journal entry; `after` is the entry the page was rendered at.
  constructor(after, onEvent) {
    this.last = after;
    this.onEvent = onEvent;
    this.heard = performance.now();
    this.behind = 0;
    this.opened = false;
    this.stale = false;
    this.open();
    setInterval(() => this.watch(), 500);
  }

  open() {
    this.source?.close();
    this.source = new EventSource(`/api/v1/feed?lean=true&after=${this.last}`);
    this.source.addEventListener("open", () => this.hear());
    this.source.addEventListener("beat", (event) => this.beat(event));
    this.source.addEventListener("journal", (event) => {
      this.hear();
      this.last = event.lastEventId;
      this.onEvent(JSON.parse(event.data));
    });
    this.source.addEventListener("reset", () => location.reload());
    this.source.addEventListener("error", () => this.fail());
  }

  hear() {
    this.heard = performance.now();
    this.opened = true;
  }

  beat(event) {
    const data = JSON.parse(event.data);
    this.hear();
    this.last = event.lastEventId || this.last;
    tellTime(data.now_ms);
    this.behind = data.behind_ms;
  }

  // A browser tries again by itself, except after an answer that is no feed (signed out).
  fail() {
    if (this.source.readyState === EventSource.CLOSED) setTimeout(() => this.open(), 2000);
  }

  watch() {
    const silent = performance.now() - this.heard;
    this.stale = watchStale(this, silent, this.behind);
    this.show(this.stale);
    if (silent > 10_000 && this.source.readyState !== EventSource.CONNECTING) {
      this.heard = performance.now() - STALE_MS - 1000;
      this.open();
    }
  }

  show(stale) {
    const pulse = document.getElementById("pulse");
    if (!pulse) return;
    const state = stale ? "stale" : this.opened ? "live" : "waiting";
    if (pulse.dataset.state === state) return;
    pulse.dataset.state = state;
    const words = { stale: _("not live"), live: _("live"), waiting: _("connecting") };
    pulse.lastElementChild.textContent = words[state];
    pulse.dataset.since = String(now());
  }
}
