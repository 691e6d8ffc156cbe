"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const form = byId("filters");
  const SELECTS = ["run", "dataset", "classifier", "way"];
  const signed = (mean, half) => mean === null ? "–" : (100 * mean).toFixed(1) + (half === null ? "" : ` ± ${(100 * half).toFixed(1)}`);
  const FLAGS = { readable: " ⚑", open: " ?" };
  const COLUMNS = [
    ["explainer", "label", (l) => l.label], ["run", "run", (l) => l.run], ["data set", "dataset", (l) => l.dataset],
    ["classifier", "classifier", (l) => l.classifier], ["measured by", "way", (l) => l.way], ["place", "place", (l) => l.place],
    ["accuracy, %", "accuracy", (l) => signed(l.accuracy, l.half_width)], ["gain", "gain", (l) => signed(l.gain, l.gain_half_width)],
    ["p", "p", (l) => l.p === null ? "–" : l.p < 0.001 ? "<0.001" : l.p.toFixed(3)], ["group", "group", (l) => l.group || "–"],
    ["mask", "mask_accuracy", (l) => l.mask_accuracy === null ? "–" : (100 * l.mask_accuracy).toFixed(1) + (FLAGS[l.label_leakage] || "")],
    ["n", "n", (l) => l.n], ["specification", "specification", (l) => l.specification],
  ];
  const state = { sort: "", down: false, line: "" };

  // the address holds the view: filters, the sorted column, and one line that stands out
  const read = () => {
    const asked = new URLSearchParams(location.hash.slice(1));
    const first = location.hash.length > 1 ? {} : LINES[0] || {};
    for (const name of [...SELECTS, "explainer"]) form.elements[name].value = asked.get(name) || (name === "explainer" ? "" : first[name]) || "";
    for (const name of SELECTS) if (form.elements[name].selectedIndex < 0) form.elements[name].value = "";
    Object.assign(state, { sort: asked.get("sort") || "", down: asked.has("down"), line: asked.get("line") || "" });
  };
  const write = () => {
    const view = new URLSearchParams();
    for (const name of [...SELECTS, "explainer"]) if (form.elements[name].value) view.set(name, form.elements[name].value);
    if (state.sort) view.set("sort", state.sort);
    if (state.down) view.set("down", "1");
    if (state.line) view.set("line", state.line);
    history.replaceState(null, "", `#${view.toString() || "all"}`);
  };
  const wanted = (line) => SELECTS.every((name) => !form.elements[name].value || line[name] === form.elements[name].value)
    && `${line.label} ${line.explainer}`.toLowerCase().includes(form.elements.explainer.value.toLowerCase());
  const compare = (a, b) => {
    const [x, y] = [a[state.sort], b[state.sort]];
    if (x === y) return 0;
    if (x === null || y === null) return x === null ? 1 : -1;
    return (x < y ? -1 : 1) * (state.down ? -1 : 1);
  };
  const cell = (text) => Object.assign(document.createElement("td"), { textContent: text });
  const row = (line) => {
    const tr = document.createElement("tr");
    COLUMNS.forEach(([, key, text]) => tr.append(cell(text(line))));
    const link = Object.assign(document.createElement("a"), { href: `#line=${line.specification}`, textContent: line.specification });
    tr.lastChild.replaceChildren(link);
    tr.classList.toggle("here", line.specification === state.line);
    return tr;
  };
  const draw = () => {
    const shown = LINES.filter(wanted);
    if (state.sort) shown.sort(compare);
    byId("body").replaceChildren(...shown.map(row));
    COLUMNS.forEach(([, key], place) => {
      const alike = SELECTS.includes(key) && new Set(shown.map((line) => line[key])).size < 2;
      for (const tr of document.querySelectorAll("tr")) tr.children[place].hidden = alike;
    });
    byId("count").textContent = `${shown.length} of ${LINES.length} lines`;
    for (const th of byId("head").children) th.setAttribute("aria-sort", th.dataset.key !== state.sort ? "none" : state.down ? "descending" : "ascending");
    document.querySelector("tr.here")?.scrollIntoView({ block: "center" });
  };
  const changed = () => { write(); draw(); };

  for (const name of SELECTS) {
    const values = ["", ...new Set(LINES.map((line) => line[name]))];
    form.elements[name].replaceChildren(...values.map((value) => new Option(value || "all", value)));
  }
  for (const [title, key] of COLUMNS) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: title, title: WORDS[title] || "" });
    button.addEventListener("click", () => { state.down = state.sort === key && !state.down; state.sort = key; changed(); });
    const th = document.createElement("th");
    th.dataset.key = key;
    th.append(button);
    byId("head").append(th);
  }
  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { Object.assign(state, { sort: "", down: false, line: "" }); changed(); }));
  byId("copy").addEventListener("click", () => navigator.clipboard?.writeText(location.href));
  addEventListener("hashchange", () => { read(); draw(); });
  read();
  draw();
})();
