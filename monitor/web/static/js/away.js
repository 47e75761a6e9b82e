// What happened since this person last looked, on this computer. The browser remembers the last
// journal line that was on a visible screen; the service remembers nobody's looking.
const LOOKED_MS = 60_000;
const LONG_MS = 180_000;
const panel = document.getElementById("away");

export class Away {
  constructor(user, newest) {
    this.key = `seen ${user}`;
    this.touched = Date.now();
    for (const name of ["pointermove", "pointerdown", "keydown", "wheel"]) {
      addEventListener(name, () => this.here(), { passive: true });
    }
    document.addEventListener("visibilitychange", () => this.here());
    // A number beyond the newest is from another database: nothing is known of this one.
    this.seen = Number(localStorage.getItem(this.key) ?? newest);
    if (this.seen < newest) this.show(this.seen);
    this.see(newest);
  }

  // Somebody is at the desk again: what came while nobody touched anything is told.
  here() {
    if (document.hidden) return;
    const gone = Date.now() - this.touched;
    this.touched = Date.now();
    if (this.newest === this.seen) return;
    if (gone > LONG_MS) this.show(this.seen);
    this.see(this.newest);
  }

  // Called with each journal line. It counts as seen while somebody is there.
  see(id) {
    this.newest = Number(id);
    if (document.hidden || Date.now() - this.touched > LOOKED_MS) return;
    this.seen = this.newest;
    localStorage.setItem(this.key, String(this.seen));
  }

  async show(after) {
    const answer = await fetch(`/alerts/away?after=${after}`);
    const html = answer.ok ? (await answer.text()).trim() : "";
    if (!html) return;
    const page = new DOMParser().parseFromString(html, "text/html");
    panel.replaceChildren(...page.body.childNodes);
    panel.hidden = false;
    panel.querySelector("[data-dismiss]").addEventListener("click", () => (panel.hidden = true));
  }
}
