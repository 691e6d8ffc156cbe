const all = (query, inside = document) => [...inside.querySelectorAll(query)];
const one = (query, inside = document) => inside.querySelector(query);
const root = document.documentElement;
const say = (text) => { one("#said").textContent = text; };
const stored = (id) => JSON.parse(one(id)?.textContent || "null");
const made = (tag, name = "", text = "") => {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.textContent = text;
  return element;
};
const press = (button, pressed) => button.setAttribute("aria-pressed", String(pressed));
root.classList.add("js");

// what of the view a link keeps: key -> how it is read ("" is the default) and set; see view.js
const kept = new Map();
const APART = "*"; // between names; addresses leave it as it is
const keep = (key, read, write) => kept.set(key, { read, write });
const keepValue = (key, control) => {
  const first = control.value;
  keep(key, () => (control.value === first ? "" : control.value), (text) => {
    control.value = text || first;
    control.dispatchEvent(new Event(control.matches("select") ? "change" : "input", { bubbles: true }));
  });
};
