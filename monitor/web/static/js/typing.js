// Whether a key belongs to what somebody fills in: then it is no command of the page.
const FILLED = "input:not([type=checkbox], [type=range]), select, textarea, dialog[open]";

export const typing = (target) => target.closest?.(FILLED) !== null;
