// The shaft, floor by floor, with the car as it stood at one moment.
const NS = "http://www.w3.org/2000/svg";
const WIDTH = 190;
const [LEFT, RIGHT, CAR_LEFT, CAR_RIGHT] = [56, 134, 62, 128];
const ROOM = 470; // height for the floors, in SVG units
const MOST_LABELS = 20;

export function make(name, attributes = {}, parent = null) {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent?.append(element);
  return element;
}

export class Shaft {
  constructor(svg, [lo, hi], words) {
    this.svg = svg;
    this.lo = lo;
    this.hi = hi;
    const count = hi - lo + 1;
    this.step = Math.max(9, Math.min(46, ROOM / count));
    this.car = Math.min(42, Math.max(26, this.step - 5));
    this.top = 26;
    const height = 2 * this.top + (count - 1) * this.step + this.car;
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${height}`);
    make("title", {}, svg).textContent = words;
    make("rect", { class: "well", x: LEFT, y: 6, width: RIGHT - LEFT, height: height - 12, rx: 3 }, svg);
    this.floors(count);
    this.drawCar();
  }

  y(floor) {
    return this.top + (this.hi - floor) * this.step;
  }

  floors(count) {
    const every = Math.max(1, Math.ceil(count / MOST_LABELS));
    for (let floor = this.lo; floor <= this.hi; floor += 1) {
      const y = this.y(floor) + this.car;
      make("line", { class: "landing", x1: LEFT - 12, x2: LEFT, y1: y, y2: y }, this.svg);
      make("line", { class: "landing", x1: RIGHT, x2: RIGHT + 12, y1: y, y2: y }, this.svg);
      if ((floor - this.lo) % every) continue;
      const label = make("text", { class: "floor", x: LEFT - 17, y: y - 2 }, this.svg);
      label.textContent = String(floor).replace("-", "−");
    }
  }

  drawCar() {
    const [w, h] = [CAR_RIGHT - CAR_LEFT, this.car];
    const middle = (CAR_LEFT + CAR_RIGHT) / 2;
    this.between = make("rect", { class: "between", x: LEFT + 1, width: RIGHT - LEFT - 2 }, this.svg);
    const car = make("g", { class: "car" }, this.svg);
    make("line", { class: "rope", x1: middle, x2: middle, y1: -2000, y2: 0 }, car);
    make("rect", { class: "cabin", x: CAR_LEFT, y: 0, width: w, height: h, rx: 2 }, car);
    const scale = h / 42;
    const riders = make("g", { class: "riders", transform: `translate(${middle} ${h}) scale(${scale})` }, car);
    make("circle", { cx: -9, cy: -25, r: 6 }, riders);
    make("path", { d: "M-21-3c0-11 4-15 12-15s12 4 12 15z" }, riders);
    this.count = make("text", { class: "rider-count", x: 17, y: -8 }, riders);
    this.left = make("rect", { class: "door", x: CAR_LEFT, y: 0, width: w / 2, height: h }, car);
    this.right = make("rect", { class: "door", x: middle, y: 0, width: w / 2, height: h }, car);
    make("rect", { class: "frame", x: CAR_LEFT, y: 0, width: w, height: h, rx: 2 }, car);
    make("path", { class: "sill", d: `M${LEFT - 11} ${h - 5}l9 5-9 5zM${RIGHT + 11} ${h - 5}l-9 5 9 5z` }, car);
    make("path", { class: "up", d: `M150 ${h / 2 + 4}h18l-9-14z` }, car);
    make("path", { class: "down", d: `M150 ${h / 2 - 6}h18l-9 14z` }, car);
    this.carGroup = car;
  }

  show(frame) {
    const { svg } = this;
    const floor = frame.height ?? this.lo;
    const y = this.y(Math.min(this.hi, Math.max(this.lo, floor)));
    this.carGroup.setAttribute("transform", `translate(0 ${y.toFixed(2)})`);
    const stuck = !frame.moving && frame.zone === 0 && !frame.silent;
    // Between two floors: which way nobody measured, so the drawing says "about here".
    this.between.setAttribute("y", y - this.step / 2);
    this.between.setAttribute("height", this.car + this.step);
    svg.dataset.between = stuck ? "yes" : "no";
    const open = frame.door ?? 0;
    const half = ((CAR_RIGHT - CAR_LEFT) / 2) * (1 - 0.86 * open);
    this.left.setAttribute("width", half.toFixed(2));
    this.right.setAttribute("x", (CAR_RIGHT - half).toFixed(2));
    this.right.setAttribute("width", half.toFixed(2));
    svg.dataset.door = frame.door === null ? "unknown" : open > 0.02 ? "open" : "closed";
    svg.dataset.state = frame.silent ? "silent" : frame.holds ? "alert" : "calm";
    svg.dataset.direction = frame.moving ? frame.direction : "none";
    svg.dataset.people = frame.people ? "yes" : "no";
    this.count.textContent = frame.people || "";
  }
}
