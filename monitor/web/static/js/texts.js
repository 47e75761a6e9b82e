// The catalogue of the page's language; the same messages as the templates use.
const messages = (await import(document.documentElement.dataset.texts)).default;

function fill(message, values) {
  return message.replace(/%\((\w+)\)(0?\d*)([ds])/g, (_whole, name, width) =>
    String(values[name]).padStart(Number(width || 0), width.startsWith("0") ? "0" : " "),
  );
}

export function _(message, values = {}) {
  const found = messages[message] ?? message;
  return fill(Array.isArray(found) ? found[0] : found, values);
}

export function ngettext(one, many, n, values = {}) {
  const found = messages[one];
  const forms = Array.isArray(found) ? found : [found ?? one, many];
  return fill(n === 1 || forms.length === 1 ? forms[0] : forms[1], { num: n, ...values });
}
