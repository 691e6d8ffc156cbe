// curves: which panel, which explainers, and labels at the ends of lines
const LINE_HEIGHT = 1.08;
const LEADER = 14;
const curves = (() => {
  const panels = all(".panel");
  if (!panels.length) return null;
  const entries = all(".entry");
  const families = all(".whole-family");
  const [dataset, way, search] = [one("#curve-dataset"), one("#curve-way"), one("#curve-search")];
  const name = (entry) => entry.textContent.trim();
  let chosen = null; // numbers of curves; null for those that each panel shows at first

  const shown = () => panels.find((panel) => !panel.hidden);
  const numbers = () => chosen || new Set((shown()?.dataset.first || "").split(" "));

  const cut = (label, text, room) => {
    label.textContent = text;
    for (let n = text.length - 1; n > 3 && label.getComputedTextLength() > room; n -= 1) label.textContent = `${text.slice(0, n)}…`;
  };
  const spread = (places, low, high, gap) => {
    places.forEach((place, i) => { place.at = Math.max(place.y, i ? places[i - 1].at + gap : low); });
    for (let i = places.length - 1, limit = high; i >= 0; i -= 1, limit = places[i + 1].at - gap) {
      places[i].at = Math.min(places[i].at, limit);
    }
  };
  const labelled = (svg) => {
    const [ends, right] = [one(".ends", svg), Number(svg.dataset.right)];
    ends.replaceChildren();
    const places = all(".line:not(.off)", svg).map((line) => [line, all("circle", line).pop()]).filter(([, point]) => point).map(([line, point]) => ({
      line, x: Number(point.getAttribute("cx")), y: Number(point.getAttribute("cy")),
    })).sort((a, b) => a.y - b.y);
    const probe = ends.appendChild(document.createElementNS(svg.namespaceURI, "text"));
    const size = parseFloat(getComputedStyle(probe).fontSize);
    probe.remove();
    const high = Number(svg.dataset.low);
    spread(places, size, high, Math.min(size * LINE_HEIGHT, (high - size) / Math.max(1, places.length - 1)));
    for (const { line, x, y, at } of places) {
      const leader = document.createElementNS(svg.namespaceURI, "path");
      leader.setAttribute("d", `M${x} ${y}L${right + 2} ${at}h${LEADER - 6}`);
      const label = document.createElementNS(svg.namespaceURI, "text");
      label.setAttribute("x", right + LEADER);
      label.setAttribute("y", at + size * 0.35);
      for (const part of [leader, label]) part.style.setProperty("--c", line.style.getPropertyValue("--c"));
      if (line.classList.contains("own")) label.classList.add("mine");
      label.dataset.series = line.dataset.series;
      ends.append(leader, label);
      cut(label, name(entries.find((entry) => entry.dataset.series === line.dataset.series)), svg.viewBox.baseVal.width - right - LEADER - 2);
    }
  };
  const draw = () => {
    const on = numbers();
    entries.forEach((entry) => press(entry, on.has(entry.dataset.series)));
    all(".line").forEach((line) => line.classList.toggle("off", !on.has(line.dataset.series)));
    families.forEach((family) => {
      const own = entries.filter((entry) => entry.dataset.family === family.dataset.family).map((entry) => on.has(entry.dataset.series));
      press(family, own.every(Boolean) || (own.some(Boolean) && "mixed"));
    });
    one("#curves-count").textContent = `${entries.filter((entry) => on.has(entry.dataset.series)).length} of ${entries.length}`;
    if (shown()) all(".canvas > svg", shown()).forEach(labelled);
  };
  const set = (wanted) => { chosen = wanted && new Set(wanted); draw(); };
  const flip = (some, on) => {
    const next = new Set(numbers());
    some.forEach((entry) => next[on ? "add" : "delete"](entry.dataset.series));
    set(next);
  };
  const choose = () => {
    panels.forEach((panel) => { panel.hidden = panel.dataset.dataset !== dataset.value || panel.dataset.way !== way.value; });
    one(".missing").hidden = Boolean(shown());
    draw();
  };
  const found = () => entries.filter((entry) => name(entry).toLowerCase().includes(search.value.trim().toLowerCase()));
  const narrow = () => { const some = found(); entries.forEach((entry) => { entry.parentNode.hidden = !some.includes(entry); }); };

  entries.forEach((entry) => entry.addEventListener("click", () => flip([entry], entry.getAttribute("aria-pressed") !== "true")));
  families.forEach((family) => family.addEventListener("click", () => {
    flip(entries.filter((entry) => entry.dataset.family === family.dataset.family), family.getAttribute("aria-pressed") !== "true");
  }));
  search.addEventListener("input", narrow);
  search.addEventListener("keydown", (event) => {
    const [first] = found();
    if (event.key === "Enter" && first) flip([first], first.getAttribute("aria-pressed") !== "true");
  });
  one("#curves-default").addEventListener("click", () => set(null));
  one("#curves-all").addEventListener("click", () => set(entries.map((entry) => entry.dataset.series)));
  one("#curves-none").addEventListener("click", () => set([]));
  for (const [key, select] of [["data", dataset], ["networks", way]]) {
    select.addEventListener("change", choose);
    keepValue(key, select);
  }
  keepValue("find", search);
  keep("curves", () => {
    if (!chosen) return "";
    const on = entries.filter((entry) => chosen.has(entry.dataset.series));
    return on.length === entries.length ? "all" : on.map(name).join(APART) || "none";
  }, (text) => {
    const names = text.split(APART);
    set(text ? entries.filter((entry) => text === "all" || names.includes(name(entry))).map((entry) => entry.dataset.series) : null);
  });
  addEventListener("resize", draw);
  choose();
  return { add: (number) => flip(entries.filter((entry) => entry.dataset.series === String(number)), true) };
})();
