// What all lists of alerts have in common.
export const ORDER = ["critical", "major", "minor", "info"];

// The whole row opens the alert; a selection of text or a click on a control does not.
export function openByRow(root) {
  root.addEventListener("click", (event) => {
    const row = event.target.closest("table.alerts tbody tr");
    if (event.target.closest("a, button, form, .c-pick") || String(getSelection())) return;
    row?.querySelector("a.what")?.click();
  });
}
