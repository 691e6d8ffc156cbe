// the view in the address, as #place?key=value&...: kept while the page is used, and restored from a link
{
  const PAUSE = 250; // milliseconds: browsers allow few changes of the address
  let timer = 0;
  let restoring = false;
  const parted = () => { const [, place, query] = /^#?([^?]*)\??(.*)$/.exec(location.hash); return [place, new URLSearchParams(query)]; };
  const address = () => {
    const query = new URLSearchParams();
    for (const [key, { read }] of kept) { const text = read(); if (text) query.set(key, text); }
    const said = query.toString();
    return said || parted()[0] ? `#${parted()[0]}${said ? `?${said}` : ""}` : location.pathname + location.search;
  };
  const record = () => { try { history.replaceState(null, "", address()); } catch { /* then only the button knows it */ } };
  const later = () => { if (!restoring) { clearTimeout(timer); timer = setTimeout(record, PAUSE); } };
  const decoded = (text) => { try { return decodeURIComponent(text); } catch { return text; } };
  const reveal = (place) => {
    const there = place ? document.getElementById(decoded(place)) : null;
    const closed = there?.closest("details");
    if (closed) closed.open = true;
    return there;
  };
  const restore = () => {
    const [place, query] = parted();
    if ([...query.keys()].length) {
      restoring = true;
      for (const [key, { read, write }] of kept) { const text = query.get(key) || ""; if (text !== read()) write(text); }
      restoring = false;
      reveal(place)?.scrollIntoView();
    } else {
      reveal(place);
      later();
    }
  };
  for (const event of ["click", "input", "change"]) document.addEventListener(event, later);
  document.addEventListener("toggle", later, true);
  addEventListener("hashchange", restore);
  one("#copy-link").addEventListener("click", ({ target }) => { record(); copy(target, new URL(address(), location.href).href); });
  if (location.hash) restore();
}
