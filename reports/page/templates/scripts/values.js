// values of points: under the pointer, and under the keyboard
{
  const light = (number) => all(".line, .ends text").forEach((line) => {
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
  all(".entry").forEach((entry) => {
    entry.addEventListener("pointerenter", () => light(entry.dataset.series));
    entry.addEventListener("pointerleave", () => light());
  });
}
