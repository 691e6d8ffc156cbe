// figures: enlarged in a dialog, which Escape closes; arrow keys lead to the next
{
  const box = one("#zoom");
  const figures = all(".figures figure").filter((figure) => one(".zoom", figure));
  let now = 0;
  const show = (number) => {
    now = (number + figures.length) % figures.length;
    const figure = figures[now];
    one(".large", box).replaceChildren(one("img", figure).cloneNode());
    one("#zoom-caption").textContent = one(".full", figure).textContent;
    one(".formats", box).replaceChildren(one(".files", figure).cloneNode(true));
    if (!box.open) box.showModal();
  };
  figures.forEach((figure, number) => one(".zoom", figure).addEventListener("click", () => show(number)));
  all("[data-step]", box).forEach((button) => button.addEventListener("click", () => show(now + Number(button.dataset.step))));
  box.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) { event.preventDefault(); show(now + step); }
  });
}
for (const box of all("dialog")) {
  box.addEventListener("click", (event) => { if (event.target === box) box.close(); });
}
