// The service worker. It keeps one page and its look, which says that there is no connection, and
// shows pages that are pushed. It never keeps an answer of the service: an old alert must not look
// like one of now. `SITE` is written before this by the service.
const NAME = `liftwatch-${SITE.version}`;

self.addEventListener("install", (event) => {
  const kept = caches.open(NAME).then((cache) => cache.addAll([SITE.offline, ...SITE.shell]));
  event.waitUntil(kept.then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const tidy = caches.keys().then((names) => {
    const old = names.filter((name) => name.startsWith("liftwatch-") && name !== NAME);
    return Promise.all(old.map((name) => caches.delete(name)));
  });
  event.waitUntil(tidy.then(() => self.clients.claim()));
});

async function orOffline(request) {
  try {
    return await fetch(request);
  } catch {
    return (await caches.match(SITE.offline)) ?? Response.error();
  }
}

self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (origin !== self.location.origin) return;
  if (event.request.mode === "navigate") {
    event.respondWith(orOffline(event.request));
  } else if (SITE.shell.includes(pathname)) {
    event.respondWith(caches.match(pathname).then((hit) => hit ?? fetch(event.request)));
  }
});

self.addEventListener("push", (event) => {
  let page = {};
  try {
    page = event.data.json();
  } catch {
    // A browser may end a subscription that shows nothing: say what is known.
  }
  const shown = self.registration.showNotification(page.title ?? "电梯警情 · Lift alert", {
    body: page.body ?? "",
    lang: page.lang ?? "",
    tag: page.alert ? `alert-${page.alert}` : "alert",
    renotify: true,
    requireInteraction: ["critical", "major"].includes(page.severity),
    timestamp: page.sent_ms,
    icon: "/icons/icon-192.png",
    badge: "/icons/badge-96.png",
    data: { path: page.path },
  });
  event.waitUntil(shown);
});

// Only ever a path of our own: what a page says is opened here, and nowhere else.
function target(path) {
  const fine = typeof path === "string" && /^\/(?![/\\])/.test(path);
  return new URL(fine ? path : "/", self.location.origin).href;
}

async function open(path) {
  const href = target(path);
  const all = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = all.find((client) => client.url === href);
  return there ? there.focus() : self.clients.openWindow(href);
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.path));
});
