// The replay of the minutes around an alert: one moment, shown in the shaft and in the strips.
import { _ } from "../texts.js";
import { now } from "../clock.js";
import { Shaft } from "./shaft.js";
import { Strips } from "./strips.js";
import { Story } from "./track.js";
import { clock, floorWord, level, told } from "./words.js";

const still = matchMedia("(prefers-reduced-motion: reduce)");
const LAG_MS = 1000; // live shows what was a second ago, so that the car glides between samples
const EVERY_MS = 1000;

export class Player {
  constructor(box) {
    this.box = box;
    this.part = (name) => box.querySelector(`[data-part="${name}"]`);
    this.slider = this.part("slider");
    this.speed = 1;
    this.playing = false;
    this.span = box.dataset.span;
    this.listen();
    this.load(this.span);
  }

  async load(span) {
    this.pause();
    clearTimeout(this.asking);
    this.following = null; // an answer on its way is about another story
    this.span = span;
    for (const button of this.box.querySelectorAll("[data-span-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.spanChoice === span));
    }
    try {
      const answer = await fetch(`${this.box.dataset.replay}?span=${span}`);
      if (!answer.ok) throw new Error(String(answer.status));
      if (this.span === span) this.begin(await answer.json());
    } catch {
      this.box.dataset.state = "failed";
    }
  }

  begin(data) {
    this.story = new Story(data);
    this.dot(data.live);
    if (this.story.empty) {
      this.box.dataset.state = "empty";
      return;
    }
    this.box.dataset.state = "drawn";
    this.slider.min = "0";
    this.slider.max = String(Math.floor(this.story.length / 1000) * 1000);
    this.shaft = new Shaft(this.part("shaft"), data.floors, _("The shaft with the car"));
    this.strips = new Strips(this.part("strips"), this.story, (at) => this.seek(at));
    this.moments(data.moments);
    this.mark();
    this.live = this.span === "now";
    this.show(this.live ? this.liveAt() : Math.min(data.raised_ms - data.from_ms, this.story.length));
    if (this.live) this.follow();
    this.buttons();
  }

  // The lift talks now, whichever minutes are shown.
  dot(live) {
    this.part("live").hidden = !live;
  }

  liveAt() {
    return Math.max(0, Math.min(this.story.length, now() - LAG_MS - this.story.data.from_ms));
  }

  listen() {
    const { box } = this;
    this.slider.addEventListener("input", () => this.seek(Number(this.slider.value)));
    box.addEventListener("click", (event) => {
      const { action, speedChoice, spanChoice, at } = event.target.closest("button")?.dataset ?? {};
      if (spanChoice) this.load(spanChoice);
      else if (speedChoice) this.setSpeed(Number(speedChoice));
      else if (at) this.seek(Number(at));
      else if (action) this[action]();
    });
    new ResizeObserver(() => this.fit()).observe(this.part("strips"));
    document.addEventListener("visibilitychange", () => document.hidden && this.pause());
  }

  fit() {
    const strips = this.strips;
    if (!strips || Math.abs(strips.box.clientWidth - strips.width) < 2) return;
    strips.draw();
    strips.point(this.at);
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    if (!this.story || this.story.empty) return;
    this.live = false;
    if (this.at >= this.story.length - 500) this.at = this.story.begin;
    this.playing = true;
    this.buttons();
    this.run((step) => {
      this.at = Math.min(this.story.length, this.at + step * this.speed);
      if (this.at >= this.story.length) this.pause();
    });
  }

  // One turn a picture; where movement is not wanted, one a second, from sample to sample.
  run(move) {
    let before = performance.now();
    const token = (this.token = {});
    const turn = () => {
      if (this.token !== token) return;
      const at = performance.now();
      move(at - before);
      before = at;
      if (still.matches && this.playing) this.at = Math.round(this.at / 1000) * 1000;
      this.show(this.at);
      if (this.token === token) again();
    };
    const again = () => (still.matches ? setTimeout(turn, 1000) : requestAnimationFrame(turn));
    again();
  }

  pause() {
    const was = this.playing;
    this.playing = false;
    this.token = null;
    this.buttons();
    if (was) this.say();
  }

  zoomIn() {
    this.strips.zoom(0.5, this.at);
    this.strips.point(this.at);
  }

  zoomOut() {
    this.strips.zoom(2, this.at);
    this.strips.point(this.at);
  }

  zoomAll() {
    this.strips.reset();
    this.strips.point(this.at);
  }

  back() {
    this.seek(this.at - 1000);
  }

  on() {
    this.seek(this.at + 1000);
  }

  toMoment() {
    this.seek(this.story.data.raised_ms - this.story.data.from_ms);
  }

  setSpeed(speed) {
    this.speed = speed;
    for (const button of this.box.querySelectorAll("[data-speed-choice]")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.speedChoice) === speed));
    }
  }

  seek(at) {
    if (!this.story || this.story.empty) return;
    this.live = false;
    if (!this.playing) this.token = null;
    this.show(Math.min(this.story.length, Math.max(this.story.begin, at)));
    if (!this.playing) this.say();
    this.buttons();
  }

  // Once a second the newest values, and between them the car glides.
  async follow(token = (this.following = {})) {
    let said;
    try {
      const answer = await fetch(this.box.dataset.now);
      if (answer.status === 401) location.reload();
      if (!answer.ok) throw new Error(String(answer.status));
      said = await answer.json();
    } catch {
      said = { now_ms: now(), values: {}, live: false };
    }
    if (this.following !== token) return;
    const { story } = this;
    story.take(said);
    this.dot(said.live);
    this.slider.min = String(Math.ceil(story.begin / 1000) * 1000);
    this.slider.max = String(Math.floor(story.length / 1000) * 1000);
    const [from, to] = this.strips.view;
    if (this.live) this.strips.look(story.length - (to - from), to - from);
    if (this.live && !this.token) this.run(() => (this.at = this.live ? this.liveAt() : this.at));
    this.asking = setTimeout(() => this.follow(token), document.hidden ? 10 * EVERY_MS : EVERY_MS);
  }

  show(at) {
    this.at = at;
    const frame = this.story.frame(at);
    this.shaft.show(frame);
    this.strips.follow(at);
    this.strips.point(at);
    const from = this.story.data.from_ms;
    const whole = Math.round(at / 1000) * 1000;
    if (Number(this.slider.value) !== whole) this.slider.value = String(whole);
    this.write("clock", clock(from + at));
    this.write("floor", frame.silent || frame.floor === null ? "?" : floorWord(frame.floor));
    this.write("door", frame.silent ? "?" : frame.doorWord);
    this.write("people", frame.silent ? "?" : String(frame.people));
    this.write("speed", frame.speed === null || frame.silent ? "–" : `${Math.abs(frame.speed).toFixed(1)} m/s`);
    this.write("level", frame.silent ? "?" : level(frame));
    this.part("level").classList.toggle("off", frame.zone === 0 && !frame.moving);
    const words = told(frame, from);
    this.write("frame", words);
    if (this.slider.getAttribute("aria-valuetext") !== words) {
      this.slider.setAttribute("aria-valuetext", words);
    }
    this.here(from + at);
  }

  write(name, text) {
    const element = this.part(name);
    if (element.textContent !== text) element.textContent = text;
  }

  // Told aloud when it rests, never while it runs.
  say() {
    this.write("said", this.part("frame").textContent);
  }

  buttons() {
    const play = this.part("play");
    play.setAttribute("aria-label", this.playing ? _("Pause") : _("Play"));
    play.dataset.state = this.playing ? "playing" : "paused";
    this.part("live").classList.toggle("is-on", Boolean(this.live));
  }

  moments(list) {
    const from = this.story.data.from_ms;
    const inside = list.filter(({ at_ms: at }) => at >= from && at <= from + this.story.length);
    this.part("moments").replaceChildren(
      ...inside.map(({ at_ms: at, text, mark }) => {
        const item = document.createElement("li");
        const button = document.createElement("button");
        button.type = "button";
        button.className = "quiet";
        button.dataset.at = String(at - from);
        button.textContent = clock(at);
        if (mark) item.className = `is-${mark}`;
        item.append(button, document.createTextNode(text));
        return item;
      }),
    );
  }

  here(at) {
    const items = [...this.part("moments").children];
    const from = this.story.data.from_ms;
    let last = null;
    for (const item of items) if (Number(item.firstChild.dataset.at) + from <= at + 500) last = item;
    if (this.lastItem === last) return;
    this.lastItem?.removeAttribute("aria-current");
    last?.setAttribute("aria-current", "true");
    this.lastItem = last;
  }

  // Where on the slider the condition held and the alert was raised.
  mark() {
    const { since_ms: since, raised_ms: raised, from_ms: from } = this.story.data;
    const share = (at) => `${Math.min(100, Math.max(0, ((at - from) / this.story.length) * 100))}%`;
    this.part("held").style.left = share(since);
    this.part("held").style.right = `calc(100% - ${share(raised)})`;
    this.part("raised").style.left = share(raised);
    this.part("raised").hidden = raised - from > this.story.length;
  }
}

// Drawn when somebody scrolls to it; nothing is loaded before.
export function watchReplay(box) {
  if (!box) return null;
  const held = { player: null };
  new IntersectionObserver((entries, observer) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    held.player = new Player(box);
  }).observe(box);
  return held;
}
