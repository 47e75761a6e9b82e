// A second question before what cannot be taken back. Resolves to true or false.
export function sure(question, more, back) {
  const dialog = document.getElementById("sure");
  dialog.querySelector("[data-part=question]").textContent = question;
  dialog.querySelector("[data-part=more]").textContent = more;
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        back.focus({ preventScroll: true });
        resolve(dialog.returnValue === "yes");
      },
      { once: true },
    );
    dialog.returnValue = "";
    dialog.showModal();
  });
}
