// A sound for each priority, made on the spot. Switching it off acknowledges nothing.
import { say } from "./act.js";
import { ORDER } from "./alert_rows.js";
import { _ } from "./texts.js";

// [frequency Hz, start s, length s]; a higher priority is faster, higher and longer.
const PATTERNS = {
  critical: [
    [960, 0, 0.13], [760, 0.16, 0.13], [960, 0.32, 0.13], [760, 0.48, 0.13], [960, 0.64, 0.2],
  ],
  major: [[700, 0, 0.18], [560, 0.24, 0.26]],
  minor: [[520, 0, 0.22]],
  info: [[420, 0, 0.1]],
};
const AGAIN_MS = { critical: 8000, major: 30_000 };

export class Sound {
  constructor(button, test) {
    this.button = button;
    this.on = localStorage.getItem("sound") === "on";
    this.lastAt = {};
    this.told = false;
    button.addEventListener("click", () => this.toggle());
    test.addEventListener("click", () => this.test());
    // A browser lets a page sound only after a gesture; any will do.
    addEventListener("pointerdown", () => this.wake(), { passive: true });
    addEventListener("keydown", () => this.wake());
    if (this.on) this.context = new AudioContext();
    this.show();
  }

  // Where a browser trusts a site it may sound at once; else it says so by its state.
  wake() {
    if (!this.on) return;
    this.context ??= new AudioContext();
    if (this.context.state === "suspended") this.context.resume().then(() => this.show());
    else this.show();
  }

  toggle() {
    this.on = !this.on;
    localStorage.setItem("sound", this.on ? "on" : "off");
    this.wake();
    this.show();
    if (this.on) this.play("minor");
    else say({ ok: true, text: _("Silent on this screen. Nothing has been acknowledged by that.") });
  }

  async test() {
    const was = this.on;
    this.on = true;
    this.wake();
    await this.context.resume();
    let at = 0;
    for (const severity of ["info", "minor", "major", "critical"]) {
      this.play(severity, at);
      at += 0.9;
    }
    this.on = was;
    this.show();
  }

  get blocked() {
    return this.on && this.context?.state !== "running";
  }

  show() {
    this.button.setAttribute("aria-pressed", String(this.on));
    const word = this.blocked
      ? _("Sound: click once")
      : this.on
        ? _("Sound on")
        : _("Sound off");
    this.button.lastElementChild.textContent = word;
    this.button.dataset.state = this.blocked ? "blocked" : this.on ? "on" : "off";
  }

  play(severity, delay = 0) {
    if (this.blocked) this.complain();
    if (!this.on || !this.context) return;
    for (const [frequency, start, length] of PATTERNS[severity] ?? []) {
      const at = this.context.currentTime + delay + start;
      const tone = this.context.createOscillator();
      const gain = this.context.createGain();
      tone.type = severity === "critical" ? "square" : "triangle";
      tone.frequency.value = frequency;
      gain.gain.setValueAtTime(0, at);
      gain.gain.linearRampToValueAtTime(0.16, at + 0.012);
      gain.gain.setValueAtTime(0.16, at + length - 0.02);
      gain.gain.linearRampToValueAtTime(0, at + length);
      tone.connect(gain).connect(this.context.destination);
      tone.start(at);
      tone.stop(at + length + 0.02);
    }
    this.lastAt[severity] = performance.now();
  }

  // Once for each time it matters, in words: a button's label is not where one looks.
  complain() {
    if (this.told) return;
    this.told = true;
    const text = _("The browser keeps this page silent until you click it or press a key.");
    say({ ok: false, text });
  }

  // Called each second with the severities nobody has acknowledged: says them again.
  remind(severities) {
    const top = ORDER.find((severity) => severities.has(severity));
    const every = AGAIN_MS[top];
    if (every && performance.now() - (this.lastAt[top] ?? -1e9) > every) this.play(top);
  }
}
