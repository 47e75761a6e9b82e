// Charts by BokehJS, out of the service's own wheel; drawn only where the page has room for one.
function script(address) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = address;
    element.addEventListener("load", resolve);
    element.addEventListener("error", reject);
    document.head.append(element);
  });
}

let bokeh;
async function draw(box) {
  const dark =
    document.documentElement.dataset.theme === "dark" ||
    (document.documentElement.dataset.theme === "auto" &&
      matchMedia("(prefers-color-scheme: dark)").matches);
  const address = new URL(box.dataset.chart, location.href);
  address.searchParams.set("theme", dark ? "dark" : "light");
  const [answer] = await Promise.all([
    fetch(address),
    (bokeh ??= script(document.body.dataset.bokeh ?? box.dataset.bokeh)),
  ]);
  if (!answer.ok) throw new Error(String(answer.status));
  const item = await answer.json();
  if (!item.doc) {
    box.dataset.state = "empty";
    return;
  }
  box.querySelector(".bk-place")?.remove();
  const place = document.createElement("div");
  place.className = "bk-place";
  box.append(place);
  await window.Bokeh.embed.embed_item(item, place);
  box.dataset.state = "drawn";
}

export async function drawCharts() {
  for (const box of document.querySelectorAll("[data-chart]")) {
    try {
      await draw(box);
    } catch {
      box.dataset.state = "failed";
    }
  }
}

document.addEventListener("theme", () => drawCharts());
