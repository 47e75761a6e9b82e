// The search box: "/" goes there from anywhere on the page; answers while one types.
import { worded } from "./fleet_data.js";
import { _, ngettext } from "./texts.js";
import { typing } from "./typing.js";

const form = document.getElementById("find");
const field = form.querySelector("input[type=search]");
const list = document.getElementById("found");
let asked = 0;
let pending = 0;

const FIELDS = {
  rescue_code: _("Rescue code"),
  reg_code: _("Registration code"),
  place: _("Place"),
  name: _("Name"),
  use_unit: _("Use unit"),
  maintenance: _("Maintenance firm"),
  street_office: _("Street office"),
};
const FORMS = { text: "", pinyin: _(" (pinyin)"), initials: _(" (initials)") };

function line(lift) {
  const link = document.createElement("a");
  link.href = `/lifts/${lift.reg_code}`;
  const what = document.createElement("b");
  what.textContent = `${lift.place} ${lift.label}`;
  const more = document.createElement("span");
  const { field: name, form: how } = lift.matched;
  const unit = lift[`${name}_name`];
  const value = unit ? worded(unit) : "";
  more.textContent = [lift.rescue_code, `${FIELDS[name]}${FORMS[how]}`, value].filter(Boolean).join(" · ");
  link.append(what, more);
  return link;
}

async function ask() {
  const q = field.value.trim();
  asked += 1;
  const mine = asked;
  if (!q) return close();
  try {
    const answer = await fetch(`/api/v1/lifts?limit=8&q=${encodeURIComponent(q)}`);
    const told = await answer.json();
    if (mine !== asked || !answer.ok) return undefined;
    const total = document.createElement("p");
    total.className = "small muted";
    total.setAttribute("role", "status");
    total.textContent = ngettext("%(num)d lift", "%(num)d lifts", told.total);
    list.replaceChildren(...told.lifts.map(line), total);
    list.hidden = false;
  } catch {
    close();
  }
  return undefined;
}

function close() {
  list.hidden = true;
  list.replaceChildren();
}

function walk(by) {
  const all = [field, ...list.querySelectorAll("a")];
  const at = all.indexOf(document.activeElement);
  all[Math.min(all.length - 1, Math.max(0, at + by))].focus();
}

field.addEventListener("input", () => {
  clearTimeout(pending);
  pending = setTimeout(ask, 120);
});
form.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    walk(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Escape") {
    close();
    field.focus();
  }
});
form.addEventListener("focusout", (event) => {
  if (!form.contains(event.relatedTarget)) close();
});
form.dataset.ready = "yes";
addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (typing(event.target)) return;
  event.preventDefault();
  field.focus();
  field.select();
});
