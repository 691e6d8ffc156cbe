// from a number to its seeds: names and numbers of explainers open a panel
{
  const scores = stored("#scores");
  const box = one("#seeds");
  const dots = (column, values) => {
    const everything = Object.values(column.rows).flatMap(([, seeds]) => seeds.map(([, value]) => value));
    const [low, high] = [Math.min(...everything), Math.max(...everything)];
    const at = (value) => `${high > low ? (100 * (value - low)) / (high - low) : 50}%`;
    const track = made("span", "track");
    track.setAttribute("aria-hidden", "true");
    for (const [seed, value] of values) {
      const dot = made("span", "dot");
      dot.style.left = at(value);
      dot.title = `seed ${seed}`;
      track.append(dot);
    }
    return track;
  };
  const short = (value) => String(Number(value.toFixed(Math.abs(value) < 10 ? 2 : 1)));
  const line = (column, label, place) => {
    const [text, values] = column.rows[label];
    const item = made("li", String(column.place) === place ? "asked" : "");
    const said = values.map(([seed, value]) => `seed ${seed}: ${short(value)}`).join(", ");
    const better = { low: " ↓", high: " ↑" }[column.better] || "";
    item.append(made("span", "name", column.heading + better), made("b", "mean", text), dots(column, values), made("span", "number", `n = ${values.length} (${said})`));
    return item;
  };
  const open = (label, board, place) => {
    const about = scores.explainers[label];
    one("#seeds-title").textContent = label;
    one(".about", box).textContent = `${about.family}. ${about.summary}`;
    one(".to-method", box).href = `#method-${about.number}`;
    one(".to-gallery", box).hidden = !gallery || !gallery.has(about.number);
    one(".to-curves", box).hidden = !curves || !one(`.entry[data-series="${about.number}"]`);
    const parts = scores.boards.filter((_, i) => board === undefined || i === board).flatMap((part) => {
      const lines = part.columns.filter((column) => label in column.rows).map((column) => line(column, label, place));
      const list = made("ol");
      list.append(...(lines.length ? lines : [made("li", "", "Nothing was measured.")]));
      return [made("h3", "", part.where), list];
    });
    one(".dots", box).replaceChildren(made("p", "note", "A dot for each seed, between the lowest and the highest value of all explainers."), ...parts);
    box.dataset.label = label;
    box.showModal();
    one(".asked", box)?.scrollIntoView({ block: "nearest" });
  };
  const go = (section) => { box.close(); location.hash = section; one(section).scrollIntoView(); };
  one(".to-gallery", box).addEventListener("click", () => { gallery.add(scores.explainers[box.dataset.label].number); go("#gallery"); });
  one(".to-curves", box).addEventListener("click", () => { curves.add(scores.explainers[box.dataset.label].number); go("#curves"); });
  one(".to-method", box).addEventListener("click", () => box.close());

  const board = (element) => { const of = element.closest(".board"); return of ? Number(of.dataset.board) : undefined; };
  for (const head of all("table.sortable tbody th, .forest .explainer")) {
    const label = head.textContent;
    if (!(label in scores.explainers)) continue;
    const button = made("button", "drill", label);
    button.type = "button";
    button.setAttribute("aria-haspopup", "dialog");
    button.addEventListener("click", () => open(label, board(button)));
    head.replaceChildren(button);
    head.closest("tr")?.classList.add("drilled");
  }
  document.addEventListener("click", ({ target }) => {
    const cell = target.closest(".drilled td");
    if (cell && !getSelection().toString()) open(one(".drill", cell.parentNode).textContent, board(cell), board(cell) === undefined ? undefined : String(cell.cellIndex));
  });
}
