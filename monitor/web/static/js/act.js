// One step on one alert, by the API. Says in words what came of it.
const csrf = document.documentElement.dataset.csrf;

export async function act(id, step, body = {}) {
  try {
    const answer = await fetch(`/api/v1/alerts/${id}/${step}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
      body: JSON.stringify(body),
    });
    if (answer.status === 401) location.reload();
    const data = await answer.json();
    return { ok: answer.ok, text: data.message ?? data.detail ?? "" };
  } catch (error) {
    return { ok: false, text: String(error.message) };
  }
}

let hide;
export function say({ ok, text }) {
  let toast = document.getElementById("toast");
  if (!toast) {
    toast = document.createElement("p");
    toast.id = "toast";
    toast.setAttribute("role", "status");
    document.body.append(toast);
  }
  toast.className = `notice toast ${ok ? "good" : "bad"}`;
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(hide);
  hide = setTimeout(() => (toast.hidden = true), ok ? 4000 : 9000);
}
