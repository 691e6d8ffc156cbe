// gallery: images, ranks as heat maps over them, and what is left without a share of the pixels
const MOST_SHOWN = 6;
const GREY = [140, 140, 148];
const SCALE = [[68, 1, 84], [71, 44, 122], [59, 81, 139], [44, 113, 142], [33, 144, 141], [39, 173, 129], [92, 200, 99], [170, 220, 50], [253, 231, 37]];
const gallery = (() => {
  const walls = stored("#gallery-data");
  if (!walls) return null;
  const [share, order, heat, opacity, choice, place] = ["#gallery-share", "#gallery-order", "#gallery-heat", "#gallery-opacity", ".choice", ".wall"].map((id) => one(id, one("#gallery")));
  const picked = one("#gallery-wall");
  const labels = new Map(Object.entries(stored("#scores").explainers).map(([label, about]) => [about.number, label]));
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  let shown = null; // numbers of explainers, at most six; null for those that curves show at first

  const wall = () => walls[picked ? picked.selectedIndex : 0];
  const numbers = () => {
    const there = wall().explainers.map(([number]) => number);
    const first = (one(".panel")?.dataset.first || "").split(" ").map(Number).filter((number) => there.includes(number));
    return (shown || [...first.slice(1), ...first.slice(0, 1)].concat(there.filter((number) => !first.includes(number)).slice(0, Math.max(0, 3 - first.length)))).filter((number) => there.includes(number));
  };
  const colour = (level) => {
    const at = level * (SCALE.length - 1);
    const [low, part] = [Math.min(Math.floor(at), SCALE.length - 2), at - Math.min(Math.floor(at), SCALE.length - 2)];
    return SCALE[low].map((value, i) => value + part * (SCALE[low + 1][i] - value));
  };
  const rankOf = (ranks, levels) => (i) => (levels > 256 ? 256 * ranks[2 * i] + ranks[2 * i + 1] : ranks[i]);
  const paint = (canvas, image, ranks) => {
    const { width, height, channels, levels, pixels } = wall();
    const size = width * height;
    const data = new ImageData(width, height);
    const rank = ranks && rankOf(ranks, levels);
    const gone = Math.round(share.value * levels);
    for (let i = 0; i < size; i += 1) {
      const place = image * size + i;
      let rgb = [0, 1, 2].map((c) => pixels[(image * channels + (channels === 3 ? c : 0)) * size + i]);
      if (rank) {
        const at = rank(place);
        const hidden = order.value === "morf" ? at < gone : at >= levels - gone;
        if (hidden) rgb = GREY;
        else if (heat.checked) {
          const over = colour(1 - at / Math.max(1, levels - 1));
          rgb = rgb.map((value, c) => value + opacity.value * (over[c] - value));
        }
      }
      data.data.set([...rgb, 255], 4 * i);
    }
    canvas.getContext("2d").putImageData(data, 0, 0);
  };
  const repaint = () => {
    one("#gallery-share-said").textContent = Number(share.value).toFixed(2);
    all("canvas", place).forEach((canvas) => {
      const of = wall().explainers.find(([number]) => String(number) === canvas.dataset.series);
      paint(canvas, Number(canvas.dataset.image), of && (of[2] = of[2] || bytes(of[1])));
    });
  };
  const cell = (image, number, label) => {
    const canvas = made("canvas");
    Object.assign(canvas, { width: wall().width, height: wall().height });
    canvas.dataset.image = image;
    canvas.dataset.series = number;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${label}: image ${image + 1}, ${wall().titles[image]}`);
    return canvas;
  };
  const build = () => {
    wall().pixels = wall().pixels || bytes(wall().images);
    const columns = [["", "input"], ...numbers().map((number) => [number, labels.get(number)])];
    place.style.setProperty("--columns", columns.length);
    place.classList.toggle("wide", wall().width > 3 * wall().height);
    const row = (name, cells) => { const line = made("div", name); line.append(...cells); return line; };
    const head = (name) => row(name, [made("span", "corner"), ...columns.map(([, label]) => made("b", "", label))]);
    place.replaceChildren(head("row heads"), head("row heads second"), ...wall().titles.map((title, image) => row("row", [
      made("span", wall().wrong[image] ? "title wrong" : "title", title), ...columns.map(([number, label]) => cell(image, number, label)),
    ])));
    all("button", choice).forEach((button) => press(button, numbers().includes(Number(button.dataset.series))));
    repaint();
  };
  const set = (wanted) => { shown = wanted; build(); };
  const add = (number) => set([...numbers().filter((other) => other !== number), number].slice(-MOST_SHOWN));
  const offer = () => {
    choice.replaceChildren(...wall().explainers.map(([number]) => {
      const button = made("button", "", labels.get(number));
      button.type = "button";
      button.dataset.series = number;
      button.addEventListener("click", () => (numbers().includes(number) ? set(numbers().filter((other) => other !== number)) : add(number)));
      return button;
    }));
    build();
  };
  for (const [key, control] of [["t", share], ["order", order], ["opacity", opacity]]) {
    control.addEventListener("input", repaint);
    control.addEventListener("change", repaint);
    keepValue(key, control);
  }
  heat.addEventListener("change", repaint);
  keep("heat", () => (heat.checked ? "" : "off"), (text) => { heat.checked = text !== "off"; repaint(); });
  if (picked) { picked.addEventListener("change", offer); keepValue("images", picked); }
  keep("shown", () => (shown ? shown.map((number) => labels.get(number)).join(APART) || "none" : ""), (text) => {
    const byName = new Map([...labels].map(([number, label]) => [label, number]));
    set(text ? text.split(APART).map((label) => byName.get(label)).filter((number) => number !== undefined).slice(0, MOST_SHOWN) : null);
  });
  const key = one("#gallery-scale").getContext("2d");
  for (let i = 0; i < 64; i += 1) { key.fillStyle = `rgb(${colour(i / 63).join()})`; key.fillRect(i, 0, 1, 1); }
  offer();
  return { add, has: (number) => wall().explainers.some(([other]) => other === number) };
})();
