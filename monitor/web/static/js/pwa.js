// The site as an app of this device: the service worker, and pages that are pushed to it.
import { say, send } from "./act.js";
import { _ } from "./texts.js";

function register() {
  if (!("serviceWorker" in navigator)) return Promise.resolve(null);
  return navigator.serviceWorker.register("/sw.js").catch(() => null);
}

function bytes(base64) {
  const plain = atob(base64.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
}

// What somebody calls their device: the system and the browser, no more.
function device() {
  const told = navigator.userAgent;
  const system = /Android|iPhone|iPad|Windows|Macintosh|Linux/.exec(told)?.[0] ?? "";
  const browser = /Edg|Firefox|Chrome|Safari/.exec(told)?.[0].replace("Edg", "Edge") ?? "";
  return [system.replace("Macintosh", "Mac"), browser].filter(Boolean).join(" · ");
}

async function subscribe(registration, key, contact) {
  if ((await Notification.requestPermission()) !== "granted") {
    return { ok: false, text: _("The browser does not allow it: allow notifications of this site.") };
  }
  const made = await registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: bytes(key),
  });
  const told = { ...made.toJSON(), contact, device: device() };
  const answer = await send("POST", "/api/v1/push/subscriptions", told);
  if (answer.ok) return { ok: true, text: _("Pages come to this device now.") };
  await made.unsubscribe();
  return answer;
}

export async function install() {
  const card = document.getElementById("push");
  const registration = await register();
  const form = document.getElementById("push-on");
  if (!registration?.pushManager || !("Notification" in window) || !form) return;
  document.getElementById("push-no").hidden = true;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      const ready = await navigator.serviceWorker.ready;
      const result = await subscribe(ready, card.dataset.key, new FormData(form).get("contact"));
      say(result);
      if (result.ok) setTimeout(() => location.reload(), 1200);
    } catch (error) {
      const told = _("The browser could not subscribe.");
      say({ ok: false, text: `${told} ${error.message}` });
    }
    button.disabled = false;
  });
}
