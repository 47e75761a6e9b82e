// The account's page: a token just made can be copied, and is what is read first.
const text = document.getElementById("token-text");
const copy = document.getElementById("copy");
for (const place of document.querySelectorAll("[data-origin]")) place.textContent = location.origin;
if (text && copy) {
  document.getElementById("made").focus();
  copy.hidden = !navigator.clipboard;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text.textContent);
    document.getElementById("copied").textContent = copy.dataset.done;
    copy.textContent = copy.dataset.done;
  });
}
