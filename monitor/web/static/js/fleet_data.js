// The fleet in the browser: the roster once, then only what changed, once a second.
import { tellTime } from "./clock.js";
import { watchStale } from "./staleness.js";
import { _ } from "./texts.js";

export const KINDS = ["people", "critical", "major", "minor", "silent", "out", "normal"];
const EVERY_MS = 1000;

export function kindOf(code) {
  if (code >> 4) return 0;
  return (code >> 2) & 3 || { 2: 4, 1: 5 }[code & 3] || 6;
}

export const silent = (code) => (code & 3) === 2;
const zh = document.documentElement.lang.startsWith("zh");
export const worded = (both) => (zh ? both.zh : both.en);

export class FleetData {
  // onRoster() when all is new; onStates(places) when these lifts changed; onStale(bool).
  constructor({ datum = "wgs84", onRoster, onStates, onStale = () => {} }) {
    Object.assign(this, { datum, onRoster, onStates, onStale });
    this.cursor = "";
    this.tag = "";
    this.codes = new Uint8Array(0);
    this.heard = performance.now();
    this.behind = 0;
    this.stale = false;
    setInterval(() => this.watch(), 500);
    this.loop();
  }

  async loop() {
    const begun = performance.now();
    try {
      if (!document.hidden || !this.roster) await this.turn();
    } catch {
      // told by watch(): nothing has been heard
    }
    setTimeout(() => this.loop(), Math.max(200, EVERY_MS - (performance.now() - begun)));
  }

  async ask(address) {
    const answer = await fetch(address, { signal: AbortSignal.timeout(15_000) });
    if (answer.redirected || answer.status === 401) location.reload();
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }

  async turn() {
    const told = await this.ask(`/api/v1/lifts/states?since=${encodeURIComponent(this.cursor)}`);
    this.heard = performance.now();
    this.behind = told.behind_ms;
    tellTime(told.now_ms);
    if (told.roster !== this.tag) {
      const roster = await this.ask(`/api/v1/lifts/roster?datum=${this.datum}`);
      if (roster.roster !== told.roster) return; // changed between the two: both again
      this.roster = roster;
      this.tag = told.roster;
    }
    this.take(told);
  }

  take(told) {
    const { codes, at } = told;
    this.cursor = told.cursor;
    if (told.full) {
      this.codes = Uint8Array.from(codes, (letter) => letter.charCodeAt(0) - 48);
      this.onRoster();
      return;
    }
    at.forEach((place, i) => (this.codes[place] = codes.charCodeAt(i) - 48));
    if (at.length) this.onStates(at);
  }

  watch() {
    const quiet = document.hidden ? 0 : performance.now() - this.heard;
    if (document.hidden) this.heard = performance.now();
    const stale = watchStale(this, quiet, this.behind);
    if (stale !== this.stale) {
      this.stale = stale;
      this.onStale(stale);
    }
  }

  counts(shown) {
    const found = new Array(KINDS.length).fill(0);
    for (const i of shown) found[kindOf(this.codes[i])] += 1;
    return found;
  }

  // The lifts of the groups chosen in the address.
  chosen(groups) {
    const { of_group: ofGroup, groups: known, reg_code: all } = this.roster;
    const wanted = Object.entries(groups)
      .filter(([dimension, id]) => id && dimension !== "state")
      .map(([dimension, id]) => [
        ofGroup[dimension],
        known[dimension].findIndex((one) => one.id === id),
      ]);
    const state = groups.state ? KINDS.indexOf(groups.state) : -1;
    const found = [];
    for (let i = 0; i < all.length; i += 1) {
      const fits = wanted.every(([column, number]) => column[i] === number);
      if (fits && (state < 0 || kindOf(this.codes[i]) === state)) found.push(i);
    }
    return found;
  }

  where(i) {
    const { places, place, label } = this.roster;
    return `${places[place[i]]} ${label[i]}`;
  }

  words(i) {
    const parts = [this.where(i), this.roster.rescue_code[i], stateWord(this.codes[i])];
    const office = this.roster.groups.street_office[this.roster.of_group.street_office[i]];
    return [...parts, office ? worded(office.name) : ""].filter(Boolean);
  }
}

export function stateWord(code) {
  const word = [
    _("people in the car"),
    _("%(severity)s alert", { severity: _("Critical") }),
    _("%(severity)s alert", { severity: _("Major") }),
    _("%(severity)s alert", { severity: _("Minor") }),
    _("silent: nothing is known"),
    _("not in normal service"),
    _("in normal service"),
  ][kindOf(code)];
  return silent(code) && kindOf(code) < 4 ? `${word}, ${_("silent: nothing is known")}` : word;
}
