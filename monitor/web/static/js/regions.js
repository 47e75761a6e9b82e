// Parts of a page that the service renders anew: fetched whole, swapped where they differ.
import { tick } from "./clock.js";

const named = (root, name) => root.querySelector(`[name="${CSS.escape(name)}"]`);
const valued = (root, value) => root.querySelector(`[value="${CSS.escape(value)}"]`);

const changed = (field) => field.value !== field.defaultValue;

// What somebody has typed, chosen or opened so far outlives the swap. A hidden field that says what
// somebody has read (data-with) stays with the text that was typed on that ground.
function keep(from, to) {
  for (const field of from.querySelectorAll("textarea, input:not([type=hidden]), select")) {
    if (field.type === "radio" || field.type === "checkbox") {
      const twin = field.checked ? valued(to, field.value) : null;
      if (twin) twin.checked = true;
    } else if (changed(field)) {
      const twin = named(to, field.name);
      if (twin) twin.value = field.value;
    }
  }
  for (const field of from.querySelectorAll("input[data-with]")) {
    const twin = named(to, field.name);
    if (twin && changed(named(from, field.dataset.with))) twin.value = field.value;
  }
  const fresh = to.querySelectorAll("details");
  from.querySelectorAll("details").forEach((one, i) => fresh[i] && (fresh[i].open = one.open));
}

function focusOn(element, { name, value, type, selectionStart = null }) {
  const byName = name && type !== "radio" ? named(element, name) : null;
  const target = byName ?? (value ? valued(element, value) : null);
  target?.focus({ preventScroll: true });
  if (selectionStart !== null) target?.setSelectionRange?.(selectionStart, selectionStart);
}

export async function refresh(address = location.href) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (answer.redirected) location.reload();
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(part.id);
    if (!fresh || fresh.innerHTML === part.dataset.was) continue;
    fresh.dataset.was = fresh.innerHTML;
    const active = part.contains(document.activeElement) ? document.activeElement : null;
    keep(part, fresh);
    part.replaceWith(fresh);
    if (active) focusOn(fresh, active);
  }
  tick();
}
