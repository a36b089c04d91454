// What is shown lives in the address, behind the hash, where it survives on pages from a disk too:
// #PLACE?find=TEXT&hide=NAME&hide=NAME&crop=X,Y,ZOOM&open=PICTURE&with=PICTURE
"use strict";
const address = (() => {
  const PAGE = ["find", "hide"]; // these are of the whole page, the others of the place
  const readers = [];

  const plain = (text) => { try { return decodeURIComponent(text); } catch { return text; } };
  const parse = () => {
    const [place, query] = location.hash.slice(1).split("?", 2);
    return { place: plain(place), values: new URLSearchParams(query), isBare: query === undefined };
  };
  let { place, values } = parse();

  const write = () => {
    const query = values.toString().replaceAll("%2C", ",");
    const hash = encodeURI(place) + (query ? `?${query}` : "");
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  };

  const setAll = (key, all) => {
    values.delete(key);
    for (const one of all) if (one !== null && one !== "") values.append(key, one);
  };

  // A place's own settings end with the place.
  const move = (next) => {
    if (next === place) return;
    place = next;
    for (const key of [...values.keys()]) if (!PAGE.includes(key)) values.delete(key);
  };

  const show = () => {
    for (const reader of readers) reader();
    const found = document.getElementById(place);
    for (let part = found; part; part = part.parentElement) if (part.matches("details")) part.open = true;
    found?.scrollIntoView({ behavior: "instant" });
  };

  addEventListener("hashchange", () => {
    const found = parse();
    const kept = PAGE.map((key) => [key, values.getAll(key)]);
    ({ place, values } = found);
    if (found.isBare) for (const [key, all] of kept) setAll(key, all);
    write();
    show();
  });
  addEventListener("load", () => { if (values.toString() || place) show(); });

  return {
    get place() { return place; },
    get: (key) => values.get(key),
    all: (key) => values.getAll(key),
    // Of the page.
    set(key, all) { setAll(key, all); write(); },
    // Of one place, by its id; nothing of others is kept.
    setAt(id, settings) {
      if (!id) return;
      move(id);
      for (const [key, value] of Object.entries(settings)) setAll(key, [value]);
      write();
    },
    onShow(reader) { readers.push(reader); },
  };
})();
