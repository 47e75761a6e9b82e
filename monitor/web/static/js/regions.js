// Parts of a page that the service renders anew: fetched whole, swapped where they differ.
import { tick } from "./clock.js";

function keep(from, to) {
  for (const field of from.querySelectorAll("textarea, input:not([type=hidden]), select")) {
    const twin = to.querySelector(`[name="${field.name}"][value="${field.value}"]`);
    if (field.type === "radio" || field.type === "checkbox") {
      if (twin) twin.checked = field.checked;
      continue;
    }
    const other = to.querySelector(`[name="${field.name}"]`);
    if (other) other.value = field.value;
  }
}

function focusOn(element, name, value, start) {
  const same = name && element.querySelector(`[name="${name}"]`);
  const target = same ?? (value && element.querySelector(`[value="${value}"]`));
  target?.focus({ preventScroll: true });
  if (start !== null && target?.setSelectionRange) target.setSelectionRange(start, start);
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
    const { name, value, selectionStart = null } = active ?? {};
    keep(part, fresh);
    part.replaceWith(fresh);
    if (active) focusOn(fresh, name, value, selectionStart);
  }
  tick();
}
