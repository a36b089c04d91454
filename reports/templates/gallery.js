// Which scenes, renderers and error maps are shown.
"use strict";
(() => {
  const toolbar = document.querySelector("[data-toolbar]");
  const filter = toolbar.querySelector("[data-filter]");
  const count = toolbar.querySelector("[data-count]");
  const scenes = [...document.querySelectorAll(".scene")];

  const applyFilter = () => {
    const wanted = filter.value.trim().toLowerCase();
    let shown = 0;
    for (const scene of scenes) {
      scene.hidden = !scene.dataset.scene.toLowerCase().includes(wanted);
      shown += !scene.hidden;
    }
    count.textContent = wanted ? `${shown} of ${scenes.length} scenes` : "";
  };

  for (const box of toolbar.querySelectorAll("[data-show]")) {
    box.checked = true;
    box.addEventListener("change", () => {
      for (const part of document.querySelectorAll(`[data-part="${box.dataset.show}"]`)) part.hidden = !box.checked;
    });
  }
  filter.value = "";
  filter.addEventListener("input", applyFilter);
  toolbar.hidden = scenes.length === 0;
})();
