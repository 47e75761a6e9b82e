// One step on one alert, by the API. Says in words what came of it.
const csrf = document.documentElement.dataset.csrf;

export function act(id, step, body = {}) {
  return send("POST", `/api/v1/alerts/${id}/${step}`, body);
}

// Asks the API; `data` is the whole answer. `changed` is false where somebody was first: nothing is
// wrong then, and nothing was done.
export async function send(method, address, body) {
  try {
    const answer = await fetch(address, {
      method,
      headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
      body: JSON.stringify(body),
    });
    if (answer.status === 401) location.reload();
    const data = await answer.json();
    const text = data.message ?? data.detail ?? "";
    return { ok: answer.ok, changed: data.changed, text, data };
  } catch (error) {
    return { ok: false, text: String(error.message) };
  }
}

let hide;
export function say({ ok, changed, text }) {
  let toast = document.getElementById("toast");
  if (!toast) {
    toast = document.createElement("p");
    toast.id = "toast";
    toast.setAttribute("role", "status");
    document.body.append(toast);
  }
  toast.className = `notice toast ${!ok ? "bad" : changed === false ? "" : "good"}`;
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(hide);
  hide = setTimeout(() => (toast.hidden = true), ok && changed !== false ? 4000 : 9000);
}
