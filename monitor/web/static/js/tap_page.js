// A mechanic's page works without this; with it, it counts down and shows what others did.
const root = document.documentElement;
const zh = root.lang.startsWith("zh");
const [H, M, S] = zh ? [" 小时 ", " 分 ", " 秒"] : [" h ", " min ", " s"];
const offset = Number(root.dataset.now) - Date.now();
const two = (n) => String(n).padStart(2, "0");

function told(ms) {
  const s = Math.floor(Math.abs(ms) / 1000);
  if (s < 60) return s + S;
  if (s < 3600) return Math.floor(s / 60) + M + two(s % 60) + S;
  return Math.floor(s / 3600) + H + two(Math.floor(s / 60) % 60) + M.trimEnd();
}

function tick() {
  const now = Date.now() + offset;
  for (const one of document.querySelectorAll("[data-due]")) {
    const left = Number(one.dataset.due) - now;
    one.textContent = (left < 0 ? "+" : "") + told(left);
    one.parentElement.classList.toggle("over", left < 0);
  }
  for (const one of document.querySelectorAll("[data-age]")) {
    one.textContent = told(now - Number(one.dataset.age));
  }
}

async function refresh() {
  const live = document.getElementById("live");
  const busy = live.contains(document.activeElement) || live.querySelector(".causes [open]");
  if (document.hidden || busy) return;
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("live");
  if (fresh && fresh.innerHTML !== live.innerHTML) live.replaceWith(fresh);
  tick();
}

tick();
setInterval(tick, 1000);
setInterval(() => refresh().catch(() => {}), 8000);
