// Parts of a page that the service renders anew: fetched whole, swapped where they differ.
import { tick } from "./clock.js";

const named = (root, name) => root.querySelector(`[name="${CSS.escape(name)}"]`);
const valued = (root, value) => root.querySelector(`[value="${CSS.escape(value)}"]`);

// What somebody has typed or chosen so far outlives the swap.
function keep(from, to) {
  for (const field of from.querySelectorAll("textarea, input:not([type=hidden]), select")) {
    if (field.type === "radio" || field.type === "checkbox") {
      const twin = field.checked ? valued(to, field.value) : null;
      if (twin) twin.checked = true;
    } else {
      const twin = named(to, field.name);
      if (twin) twin.value = field.value;
    }
  }
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
