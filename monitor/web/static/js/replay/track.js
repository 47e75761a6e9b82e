// What a lift said over some minutes, and how it stood at any moment of them.

const KEEP_MS = 3_600_000; // of a lift that is followed live, or all that was asked for
const FORGET_AT = 60; // samples at once

// One channel: times in ms since the beginning, rising; values, null where nothing was said.
export class Track {
  constructor({ t, v, word, unit, kind, words, strip }) {
    Object.assign(this, { t, v, unit, kind, words, strip, name: word });
  }

  // The last place at or before a moment; -1 before the first.
  index(at) {
    let lo = 0;
    let hi = this.t.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (this.t[mid] <= at) lo = mid + 1;
      else hi = mid;
    }
    return lo - 1;
  }

  at(at) {
    const i = this.index(at);
    return i < 0 ? null : this.v[i];
  }

  // When the value that holds at a moment began, and when and to what it changes next.
  around(at) {
    let i = this.index(at);
    if (i < 0) return null;
    const value = this.v[i];
    let next = i + 1;
    while (next < this.v.length && this.v[next] === value) next += 1;
    while (i > 0 && this.v[i - 1] === value) i -= 1;
    const ends = next < this.v.length;
    return {
      value,
      since: this.t[i],
      until: ends ? this.t[next] : null,
      then: ends ? this.v[next] : null,
    };
  }

  add(at, value) {
    if (this.t.length && at <= this.t.at(-1)) return;
    this.t.push(at);
    this.v.push(value);
  }

  // What was said before a moment, but for what holds at it.
  forget(before) {
    const old = this.index(before);
    if (old < FORGET_AT) return;
    this.t.splice(0, old);
    this.v.splice(0, old);
  }

  word(value) {
    if (value === null || value === undefined) return "–";
    if (this.words[value] !== undefined) return this.words[value];
    const told = this.kind === "float" ? value.toFixed(Math.abs(value) < 10 ? 2 : 1) : value;
    return `${told} ${this.unit}`.trim().replace("-", "−");
  }
}

const MOVING = 0.05; // m/s, as the service judges it
const SLIDE_MS = 1000; // a door that was closed and is open slides within a sample
const OPEN = { 1: 0.5, 2: 0, 3: 0.5, 4: 1, 5: 0, 6: 0.22 }; // by door_state; 0 = unknown

export class Story {
  constructor(data) {
    this.data = data;
    this.length = data.to_ms - data.from_ms;
    this.begin = 0; // what was before is forgotten
    this.keep = Math.max(KEEP_MS, this.length);
    this.tracks = {};
    for (const [name, channel] of Object.entries(data.channels)) {
      this.tracks[name] = new Track(channel);
    }
    this.gaps = data.gaps;
  }

  get empty() {
    return !Object.keys(this.tracks).length;
  }

  strips() {
    return Object.entries(this.tracks).filter(([, track]) => track.strip);
  }

  value(name, at) {
    return this.tracks[name]?.at(at) ?? null;
  }

  // New last values, name → [value, epoch ms]; what was silent so far stays unknown.
  take(live) {
    for (const [name, [value, at]] of Object.entries(live.values)) {
      this.tracks[name]?.add(at - this.data.from_ms, value);
    }
    const to = live.now_ms - this.data.from_ms;
    const heard = Object.values(this.tracks).map((track) => track.t.at(-1) ?? -1);
    const last = Math.max(-1, ...heard);
    if (to - last > this.data.fresh_ms) {
      const open = this.gaps.at(-1);
      if (open && open[1] > last) open[1] = to;
      else this.gaps.push([last, to]);
    }
    this.length = Math.max(this.length, to);
    this.begin = Math.max(0, this.length - this.keep);
    for (const track of Object.values(this.tracks)) track.forget(this.begin);
    this.gaps = this.gaps.filter(([, end]) => end > this.begin);
  }

  silent(at) {
    return this.gaps.find(([from, to]) => at > from + 1 && at < to) ?? null;
  }

  moving(at) {
    const speed = this.value("speed", at);
    if (speed !== null) return Math.abs(speed) > MOVING;
    return this.value("car_status", at) === 1;
  }

  direction(at) {
    const said = this.value("car_direction", at);
    if (said === 1 || said === 2) return said === 1 ? "up" : "down";
    const speed = this.value("speed", at) ?? 0;
    if (!this.moving(at)) return "none";
    return speed > 0 ? "up" : "down";
  }

  // Where the car is drawn, in floors: on its way from one count to the next while it moves.
  height(at) {
    const found = this.tracks.car_position?.around(at);
    if (!found || found.value === null) return null;
    if (found.until === null || found.then === null || !this.movesBetween(found, at)) {
      return found.value;
    }
    const begin = Math.max(found.since, found.until - this.lead(found));
    const share = Math.max(0, (at - begin) / Math.max(1, found.until - begin));
    return found.value + (found.then - found.value) * Math.min(1, share);
  }

  movesBetween(found, at) {
    return at >= found.until - this.lead(found);
  }

  // How long before the count changes the car began to move towards it: 12 s at most.
  lead(found) {
    const speed = this.tracks.speed;
    let begin = Math.max(found.since, found.until - 12_000);
    if (!speed) return Math.min(1000, found.until - begin);
    for (let i = speed.index(found.until); i >= 0 && speed.t[i] >= begin; i -= 1) {
      if (speed.v[i] !== null && Math.abs(speed.v[i]) <= MOVING && speed.t[i] < found.until) {
        begin = speed.t[i];
        break;
      }
    }
    return found.until - begin;
  }

  // How far the door is open, 0 to 1; null where nobody knows.
  door(at) {
    const found = this.tracks.door_state?.around(at);
    if (!found || found.value === null || found.value === 0) {
      const closed = this.value("door_closed", at);
      return closed === null ? null : closed ? 0 : 1;
    }
    const { value, since, until, then } = found;
    if (until !== null && (value === 3 || value === 1)) {
      const share = (at - since) / Math.max(1, until - since);
      return value === 3 ? share : 1 - share;
    }
    const here = OPEN[value] ?? null;
    const there = OPEN[then] ?? here;
    if (until !== null && until - at < SLIDE_MS && then !== 3 && then !== 1) {
      return there + (here - there) * ((until - at) / SLIDE_MS);
    }
    return here;
  }

  // All that is drawn and told of a moment.
  frame(at) {
    const silent = this.silent(at);
    const people = this.value("people", at) ?? (this.value("passenger", at) ? 1 : 0);
    return {
      at,
      silent,
      floor: this.value("car_position", at),
      height: this.height(at),
      door: this.door(at),
      doorWord: this.doorWord(at),
      people,
      moving: this.moving(at),
      direction: this.direction(at),
      speed: this.value("speed", at),
      zone: this.value("door_zone", at),
      offset: this.value("level_offset", at),
      holds: at >= this.data.since_ms - this.data.from_ms,
    };
  }

  doorWord(at) {
    const track = this.tracks.door_state ?? this.tracks.door_closed;
    return track ? track.word(track.at(at)) : "–";
  }
}
