// tables: sort, filter, copy, and a sign where columns lie beyond the edge
{
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
  const sortable = (table) => {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const heads = all("[aria-sort]", table);
    const first = heads.map((head) => head.getAttribute("aria-sort"));
    const sort = (head, order) => {
      const column = Number(head.dataset.column);
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", order);
      const sign = order === "descending" ? -1 : 1;
      body.append(...(order === "none" ? rows : [...rows].sort((a, b) => compare(key(a, column), key(b, column), sign))));
    };
    heads.forEach((head) => one("button", head).addEventListener("click", () => {
      const order = NEXT[head.getAttribute("aria-sort")];
      sort(head, order);
      say(order === "none" ? "Original order" : `Sorted by ${head.textContent.trim()}, ${order}`);
    }));
    const sorted = () => heads.map((head) => head.getAttribute("aria-sort"));
    const read = () => {
      const by = heads.find((head) => head.getAttribute("aria-sort") !== "none");
      if (sorted().join() === first.join()) return "";
      return by ? `${by.dataset.column}.${by.getAttribute("aria-sort")}` : "none";
    };
    keep(`sort.${table.id}`, read, (text) => {
      const [column, order] = text.split(".");
      const head = heads.find((other) => other.dataset.column === column);
      if (head && order in NEXT) return sort(head, order);
      body.append(...rows);
      heads.forEach((other, i) => other.setAttribute("aria-sort", text ? "none" : first[i]));
    });
    return rows;
  };
  for (const table of all("table.sortable")) {
    const rows = sortable(table);
    const box = table.closest("details, .board");
    const count = (narrowed, wanted) => {
      rows.forEach((row) => { row.hidden = !wanted(row); });
      one(".count", box).textContent = narrowed ? `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows` : "";
    };
    const [filter, family] = [one(".filter", box), one(".family", box)];
    filter?.addEventListener("input", () => {
      const wanted = filter.value.trim().toLowerCase();
      count(wanted, (row) => row.cells[0].textContent.toLowerCase().includes(wanted));
    });
    family?.addEventListener("change", () => count(family.value, (row) => !family.value || row.dataset.family === family.value));
    if (filter) keepValue(`filter.${table.id}`, filter);
    if (family) keepValue(`family.${table.id}`, family);
  }
  const edge = (box) => { box.previousElementSibling.hidden = box.scrollWidth - box.scrollLeft - box.clientWidth < 8; };
  const watched = new ResizeObserver((entries) => entries.forEach((entry) => edge(entry.target)));
  for (const box of all(".scroll")) {
    const sign = made("p", "beyond", "more columns: scroll sideways →");
    sign.setAttribute("aria-hidden", "true");
    box.before(sign);
    box.addEventListener("scroll", () => edge(box), { passive: true });
    watched.observe(box);
  }
  const boxes = all("details.table");
  const opened = () => boxes.filter((box) => box.open).map((box) => box.id.replace("table-", "")).join(" ");
  const first = opened();
  keep("open", () => (opened() === first ? "" : opened() || "none"), (text) => {
    const wanted = (text || first).split(" ");
    boxes.forEach((box) => { box.open = wanted.includes(box.id.replace("table-", "")); });
  });
  const openAll = (open) => boxes.forEach((box) => { box.open = open; });
  one("#open-all")?.addEventListener("click", () => openAll(true));
  one("#close-all")?.addEventListener("click", () => openAll(false));
  if (innerWidth < 700 && one(".reading")) one(".reading").open = false;
  addEventListener("beforeprint", () => {
    const more = one("#more-tables");
    if (more) more.textContent = boxes.filter((box) => !box.open).length;
  });
}
const byHand = (text) => {
  const area = made("textarea", "unseen");
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
};
const copy = async (button, text) => {
  const name = button.textContent;
  let done = true;
  try { await navigator.clipboard.writeText(text); } catch { done = byHand(text); }
  button.focus();
  button.textContent = done ? "Copied" : "Not allowed here";
  say(button.textContent);
  setTimeout(() => { button.textContent = name; }, 1500);
};
for (const button of all("button.copy")) {
  button.addEventListener("click", () => copy(button, one(`code.${button.dataset.what}`, button.closest("details")).textContent));
}
