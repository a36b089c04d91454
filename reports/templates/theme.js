// Light or dark: as the system says, until the reader chooses. Runs before the page is drawn.
"use strict";
(() => {
  const KEY = "bokehbench-theme";
  const NEXT = { auto: "light", light: "dark", dark: "auto" };
  const root = document.documentElement;

  // A browser may refuse storage to pages from a disk; the choice then lasts as long as the page.
  const remember = (theme) => { try { localStorage.setItem(KEY, theme); } catch { /* not kept */ } };
  const recall = () => { try { return localStorage.getItem(KEY); } catch { return null; } };

  let theme = recall() in NEXT ? recall() : "auto";
  const apply = () => {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
  };
  apply();

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("[data-theme-toggle]");
    const label = () => { button.textContent = `Theme: ${theme}`; };
    button.hidden = false;
    label();
    button.addEventListener("click", () => {
      theme = NEXT[theme];
      remember(theme);
      apply();
      label();
    });
  });
})();
