// A stage to draw on: pan and zoom by mouse, wheel, touch and keyboard; one drawing a frame.
const MOST_BOXES = 40; // more places than that at once: all is drawn

export class Stage {
  // draw(context, view) draws; view = {k, x, y}: screen = world · k + (x, y). pick(x, y, view) is
  // what stands there; onPoint(what, x, y), onOpen(what), onKey(event, view) → handled.
  constructor(box, hooks) {
    this.box = box;
    this.hooks = hooks;
    this.canvas = box.querySelector("canvas");
    this.context = this.canvas.getContext("2d");
    this.view = { k: 1, x: 0, y: 0 };
    this.least = 1;
    this.most = 16;
    this.pointers = new Map();
    this.moved = 0;
    this.spent = []; // ms of the last drawings, for who wants to know
    new ResizeObserver(() => this.resize()).observe(box);
    this.listen();
    this.resize();
  }

  resize() {
    const { clientWidth: w, clientHeight: h } = this.box;
    this.ratio = window.devicePixelRatio || 1;
    this.width = w;
    this.height = h;
    this.canvas.width = Math.max(1, Math.round(w * this.ratio));
    this.canvas.height = Math.max(1, Math.round(h * this.ratio));
    this.hooks.onResize?.();
    this.ask();
  }

  // Draw with the next frame: all, or only a square of half-width r around a place on the screen.
  ask(x = null, y = 0, r = 30) {
    const box = x === null ? null : [x - r, y - r, 2 * r, 2 * r];
    if (this.asked) {
      if (box) this.boxes?.push(box);
      else this.boxes = null;
      return;
    }
    this.boxes = box ? [box] : null;
    this.asked = requestAnimationFrame(() => {
      this.asked = 0;
      const begun = performance.now();
      const all = [[0, 0, this.width, this.height]];
      const few = this.boxes && this.boxes.length <= MOST_BOXES;
      for (const part of few ? this.boxes : all) {
        this.context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
        this.context.save();
        this.context.beginPath();
        this.context.rect(...part);
        this.context.clip();
        this.context.clearRect(...part);
        this.hooks.draw(this.context, this.view, part);
        this.context.restore();
      }
      this.spent.push(performance.now() - begun);
      if (this.spent.length > 60) this.spent.shift();
    });
  }

  zoom(by, x = this.width / 2, y = this.height / 2) {
    const k = Math.min(this.most, Math.max(this.least, this.view.k * by));
    const real = k / this.view.k;
    this.view = { k, x: x - (x - this.view.x) * real, y: y - (y - this.view.y) * real };
    this.keep();
  }

  pan(dx, dy) {
    this.view = { ...this.view, x: this.view.x + dx, y: this.view.y + dy };
    this.keep();
  }

  keep() {
    this.hooks.limit?.(this.view);
    this.ask();
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  listen() {
    const { box } = this;
    box.addEventListener("pointerdown", (event) => {
      this.pointers.set(event.pointerId, this.at(event));
      this.moved = 0;
    });
    box.addEventListener("pointermove", (event) => this.move(event));
    box.addEventListener("pointerleave", () => this.hooks.onPoint(null));
    for (const name of ["pointerup", "pointercancel"]) {
      box.addEventListener(name, (event) => this.pointers.delete(event.pointerId));
    }
    box.addEventListener("click", (event) => {
      const what = this.hooks.pick(...this.at(event), this.view);
      if (this.moved < 5 && what !== null) this.hooks.onOpen(what, event);
    });
    box.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        this.zoom(Math.exp(-event.deltaY / 400), ...this.at(event));
      },
      { passive: false },
    );
    box.addEventListener("keydown", (event) => this.key(event));
    for (const button of document.querySelectorAll("[data-zoom]")) {
      button.addEventListener("click", () => this.button(button.dataset.zoom));
    }
  }

  button(what) {
    if (what === "fit") this.hooks.fit();
    else this.zoom(what === "in" ? 1.5 : 1 / 1.5);
  }

  move(event) {
    const [x, y] = this.at(event);
    if (!event.buttons) this.pointers.delete(event.pointerId); // let go of outside the box
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      this.hooks.onPoint(this.hooks.pick(x, y, this.view), x, y);
      return;
    }
    const [dx, dy] = [x - before[0], y - before[1]];
    this.moved += Math.abs(dx) + Math.abs(dy);
    if (this.moved > 5 && !box_has(this.box, event)) this.box.setPointerCapture(event.pointerId);
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.pointers.set(event.pointerId, [x, y]);
    if (other) {
      const far = (a) => Math.hypot(a[0] - other[0], a[1] - other[1]) || 1;
      this.zoom(far([x, y]) / far(before), (x + other[0]) / 2, (y + other[1]) / 2);
    } else if (this.moved > 5) this.pan(dx, dy);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const keys = { "+": "in", "=": "in", "-": "out", 0: "fit" };
    if (keys[event.key]) this.button(keys[event.key]);
    else if (!this.hooks.onKey(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  // Bring a place (world) on the screen with a margin, without zooming.
  show(x, y, margin = 30) {
    const sx = x * this.view.k + this.view.x;
    const sy = y * this.view.k + this.view.y;
    const dx = Math.max(margin - sx, 0) + Math.min(this.width - margin - sx, 0);
    const dy = Math.max(margin - sy, 0) + Math.min(this.height - margin - sy, 0);
    if (dx || dy) this.pan(dx, dy);
    return [sx + dx, sy + dy];
  }
}

function box_has(box, event) {
  return box.hasPointerCapture(event.pointerId);
}
