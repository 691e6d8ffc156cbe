"use strict";
(() => {
  const all = (query, inside = document) => [...inside.querySelectorAll(query)];
  const one = (query, inside = document) => inside.querySelector(query);
  const root = document.documentElement;
  const say = (text) => { one("#said").textContent = text; };
  root.classList.add("js");

  // theme: what the system wants, until the button says otherwise
  const theme = one("#theme");
  const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const pressed = () => theme.setAttribute("aria-pressed", String(dark()));
  try { if (localStorage.theme) root.dataset.theme = localStorage.theme; } catch { /* not from a file everywhere */ }
  theme.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try { localStorage.theme = root.dataset.theme; } catch { /* then not remembered */ }
    pressed();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", pressed);
  pressed();

  // tables: sort, filter, copy
  const key = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
  };
  const gap = (value) => value === "" || value === "–" || String(value).startsWith("– (");
  const compare = (a, b, sign) => {
    if (gap(a) || gap(b)) return gap(a) - gap(b);
    if (typeof a === typeof b) return sign * (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));
    return typeof a === "number" ? -1 : 1;
  };
  const NEXT = { none: "ascending", ascending: "descending", descending: "none" };
  for (const table of all("table.sortable")) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const heads = all("thead th", table);
    heads.forEach((head, column) => {
      one("button", head).addEventListener("click", () => {
        const order = NEXT[head.getAttribute("aria-sort")];
        heads.forEach((other) => other.setAttribute("aria-sort", "none"));
        head.setAttribute("aria-sort", order);
        const sign = order === "descending" ? -1 : 1;
        const sorted = order === "none" ? rows : [...rows].sort((a, b) => compare(key(a, column), key(b, column), sign));
        body.append(...sorted);
        say(order === "none" ? "Original order" : `Sorted by ${head.textContent.trim()}, ${order}`);
      });
    });
    const box = table.closest("details, .board");
    const keep = (narrowed, wanted) => {
      rows.forEach((row) => { row.hidden = !wanted(row); });
      one(".count", box).textContent = narrowed ? `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows` : "";
    };
    one(".filter", box)?.addEventListener("input", (event) => {
      const wanted = event.target.value.trim().toLowerCase();
      keep(wanted, (row) => row.cells[0].textContent.toLowerCase().includes(wanted));
    });
    one(".family", box)?.addEventListener("change", ({ target }) => {
      keep(target.value, (row) => !target.value || row.dataset.family === target.value);
    });
  }
  const byHand = (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "unseen";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  };
  const copy = async (text) => {
    try { await navigator.clipboard.writeText(text); return true; } catch { return byHand(text); }
  };
  for (const button of all("button.copy")) {
    const name = button.textContent;
    button.addEventListener("click", async () => {
      const done = await copy(one(`code.${button.dataset.what}`, button.closest("details")).textContent);
      button.focus();
      button.textContent = done ? "Copied" : "Not allowed here";
      say(button.textContent);
      setTimeout(() => { button.textContent = name; }, 1500);
    });
  }

  // leaderboard: which way of measuring
  for (const measure of all(".measure")) {
    const charts = all(".forest", measure.closest(".board"));
    const pick = () => charts.forEach((chart, i) => { chart.hidden = i !== measure.selectedIndex; });
    measure.addEventListener("change", pick);
    pick();
  }

  // curves: which panel, which explainers, values of points
  const panels = all(".panel");
  const choose = () => {
    const [dataset, way] = ["#curve-dataset", "#curve-way"].map((id) => one(id).value);
    panels.forEach((panel) => { panel.hidden = panel.dataset.dataset !== dataset || panel.dataset.way !== way; });
    one(".missing").hidden = panels.some((panel) => !panel.hidden);
  };
  const entries = all(".entry");
  const show = (entry, shown) => {
    entry.setAttribute("aria-pressed", String(shown));
    all(`.line[data-series="${entry.dataset.series}"]`).forEach((line) => line.classList.toggle("off", !shown));
  };
  const light = (number) => all(".line").forEach((line) => {
    line.classList.toggle("on", line.dataset.series === number);
    line.classList.toggle("dim", number !== undefined && line.dataset.series !== number);
  });
  const points = (svg) => all(".line:not(.off) circle", svg);
  const tip = (svg, point) => {
    const box = one(".tip", svg.parentNode);
    all("circle.at", svg).forEach((other) => other.classList.remove("at"));
    box.hidden = !point;
    light(point ? point.parentNode.dataset.series : undefined);
    if (!point) return;
    point.classList.add("at");
    box.textContent = point.getAttribute("aria-label");
    const [x, y] = ["cx", "cy"].map((name) => Number(point.getAttribute(name)));
    const scale = svg.clientWidth / svg.viewBox.baseVal.width;
    const left = Math.min(Math.max(x * scale, box.offsetWidth / 2), svg.clientWidth - box.offsetWidth / 2);
    box.style.left = `${left}px`;
    box.style.top = `${y * scale}px`;
  };
  const nearest = (svg, event) => {
    const box = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / box.width;
    const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    const far = (point) => Math.hypot(point.getAttribute("cx") - x, point.getAttribute("cy") - y);
    const [best] = points(svg).map((point) => [far(point), point]).sort((a, b) => a[0] - b[0]);
    return best && best[0] < 40 ? best[1] : null;
  };
  const step = (svg, now, name) => {
    const lines = all(".line:not(.off)", svg).filter((line) => one("circle", line));
    const own = all("circle", now.parentNode);
    const place = own.indexOf(now);
    if (name === "ArrowRight" || name === "ArrowLeft") return own[place + (name === "ArrowRight" ? 1 : -1)];
    const level = (line) => all("circle", line).find((c) => c.getAttribute("cx") === now.getAttribute("cx"));
    const ordered = lines.map(level).filter(Boolean).sort((a, b) => a.getAttribute("cy") - b.getAttribute("cy"));
    return ordered[ordered.indexOf(now) + (name === "ArrowDown" ? 1 : -1)];
  };
  for (const svg of all(".canvas > svg")) {
    svg.setAttribute("tabindex", "0");
    svg.addEventListener("pointermove", (event) => tip(svg, nearest(svg, event)));
    svg.addEventListener("pointerleave", () => tip(svg, null));
    svg.addEventListener("focus", () => tip(svg, points(svg)[0]));
    svg.addEventListener("blur", () => tip(svg, null));
    svg.addEventListener("keydown", (event) => {
      if (event.key === "Escape") tip(svg, null);
      if (!event.key.startsWith("Arrow")) return;
      event.preventDefault();
      const now = one("circle.at", svg);
      const next = now ? step(svg, now, event.key) : points(svg)[0];
      if (next) { tip(svg, next); say(next.getAttribute("aria-label")); }
    });
  }
  entries.forEach((entry) => {
    entry.addEventListener("click", () => show(entry, entry.getAttribute("aria-pressed") !== "true"));
    entry.addEventListener("pointerenter", () => light(entry.dataset.series));
    entry.addEventListener("pointerleave", () => light());
  });
  if (panels.length) {
    one("#curve-dataset").addEventListener("change", choose);
    one("#curve-way").addEventListener("change", choose);
    one("#curves-all").addEventListener("click", () => entries.forEach((entry) => show(entry, true)));
    one("#curves-none").addEventListener("click", () => entries.forEach((entry) => show(entry, false)));
    one("#curves-only").addEventListener("change", (event) => {
      const wanted = event.target.value.split(" ");
      if (event.target.value) entries.forEach((entry) => show(entry, "reference" in entry.dataset || wanted.includes(entry.dataset.series)));
      event.target.value = "";
    });
    choose();
  }

  // links to closed details open them
  const reveal = () => { const there = location.hash.length > 1 && document.getElementById(location.hash.slice(1)); if (there && there.tagName === "DETAILS") there.open = true; };
  addEventListener("hashchange", reveal);
  reveal();
  const openAll = (open) => all("details.table").forEach((box) => { box.open = open; });
  one("#open-all")?.addEventListener("click", () => openAll(true));
  one("#close-all")?.addEventListener("click", () => openAll(false));
})();
