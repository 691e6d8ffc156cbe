// theme: what the system wants, until the button says otherwise
{
  const theme = one("#theme");
  const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const pressed = () => press(theme, dark());
  try { if (localStorage.theme) root.dataset.theme = localStorage.theme; } catch { /* not from a file everywhere */ }
  theme.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try { localStorage.theme = root.dataset.theme; } catch { /* then not remembered */ }
    pressed();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", pressed);
  pressed();
}
