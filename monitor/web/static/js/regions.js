// Parts of a page that the service renders anew: fetched whole, swapped where they differ.
import { tick } from "./clock.js";

const MARKED = "a[href], button, input, select, textarea, details, summary, [tabindex]";
const TOLD = ["id", "name", "href", "data-step", "formaction"];

const named = (root, name) => root.querySelector(`[name="${CSS.escape(name)}"]`);
const changed = (field) => field.value !== field.defaultValue;
const marked = (part) => [...part.querySelectorAll(MARKED)];

// What tells an element from the others of its part: the form it sends, what it stands in, its own
// marks. A field "comment" of another form is another field.
function likeness(element) {
  const form = (element.form ?? element.closest("form"))?.getAttribute("action") ?? "";
  const within = element.parentElement.closest("[id]")?.id ?? "";
  const own = TOLD.map((name) => element.getAttribute(name) ?? "");
  const choice = element.matches("[type=radio], [type=checkbox], button") ? element.value : "";
  return JSON.stringify([element.tagName, form, within, choice, ...own]);
}

// The same element in the part as it is now; of several alike, the one in the same place.
function twin(element, from, to) {
  const like = likeness(element);
  const alike = (part) => marked(part).filter((one) => likeness(one) === like);
  return alike(to)[alike(from).indexOf(element)] ?? null;
}

// What somebody has typed, chosen or opened so far outlives the swap. A hidden field that says what
// somebody has read (data-with) stays with the text that was typed on that ground.
function keep(from, to) {
  for (const field of from.querySelectorAll("textarea, input:not([type=hidden]), select")) {
    if (field.type === "radio" || field.type === "checkbox") {
      const same = field.checked ? twin(field, from, to) : null;
      if (same) same.checked = true;
    } else if (changed(field)) {
      const same = twin(field, from, to);
      if (same) same.value = field.value;
    }
  }
  for (const field of from.querySelectorAll("input[data-with]")) {
    const same = twin(field, from, to);
    if (same && changed(named(field.form, field.dataset.with))) same.value = field.value;
  }
  for (const one of from.querySelectorAll("details")) {
    const same = twin(one, from, to);
    if (same) same.open = one.open;
  }
}

// Where the keyboard goes on. Where a link is gone, with what stands in its place; never so with a
// button: that may do something else now.
function heir(element, from, to) {
  const same = twin(element, from, to);
  if (same || !element.matches("a, summary")) return same;
  const all = marked(to).filter((one) => one.matches("a, summary"));
  const place = marked(from).filter((one) => one.matches("a, summary")).indexOf(element);
  return all[Math.min(place, all.length - 1)] ?? null;
}

function focusOn(target, { selectionStart = null, selectionEnd }) {
  target?.focus({ preventScroll: true });
  if (selectionStart !== null) target?.setSelectionRange?.(selectionStart, selectionEnd);
}

function swap(part, fresh) {
  const active = part.contains(document.activeElement) ? document.activeElement : null;
  const next = active && heir(active, part, fresh);
  const boxes = [...part.querySelectorAll('[tabindex="0"]')].map((box) => [
    twin(box, part, fresh),
    box.scrollLeft,
    box.scrollTop,
  ]);
  keep(part, fresh);
  part.replaceWith(fresh);
  for (const [box, left, top] of boxes) box?.scrollTo({ left, top, behavior: "instant" });
  if (active) focusOn(next, active);
}

export async function refresh(address = location.href) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (answer.redirected) location.reload();
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(part.id);
    if (!fresh || fresh.innerHTML === (part.dataset.was ?? part.innerHTML)) continue;
    fresh.dataset.was = fresh.innerHTML;
    swap(part, fresh);
  }
  tick();
}
