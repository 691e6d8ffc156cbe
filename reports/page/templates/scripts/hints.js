// what words mean: shown under the pointer and under the keyboard; without scripts the browser shows titles
{
  const box = one("#hint");
  const hide = () => { box.hidden = true; };
  const show = (element) => {
    box.textContent = element.dataset.hint;
    box.hidden = false;
    const place = element.getBoundingClientRect();
    const left = Math.min(Math.max(place.left, 8), innerWidth - box.offsetWidth - 8);
    const above = place.bottom + box.offsetHeight + 12 > innerHeight;
    box.style.left = `${left}px`;
    box.style.top = `${above ? place.top - box.offsetHeight - 6 : place.bottom + 6}px`;
  };
  for (const element of all("[title]")) {
    element.dataset.hint = element.title;
    element.removeAttribute("title");
    element.setAttribute("aria-description", element.dataset.hint);
    if (element.matches("abbr, .group span")) element.tabIndex = 0;
  }
  const hinted = (event) => (event.target.closest ? event.target.closest("[data-hint]") : null);
  const entered = (event) => { const element = hinted(event); if (element) show(element); else hide(); };
  document.addEventListener("pointerover", entered);
  document.addEventListener("focusin", entered);
  document.addEventListener("focusout", hide);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  addEventListener("scroll", hide, { passive: true });
}
