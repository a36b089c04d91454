// Which scenes, renderers and error maps are shown.
"use strict";
(() => {
  const toolbar = document.querySelector("[data-toolbar]");
  const filter = toolbar.querySelector("[data-filter]");
  const count = toolbar.querySelector("[data-count]");
  const boxes = [...toolbar.querySelectorAll("[data-show]")];
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

  const applyBox = (box) => {
    for (const part of document.querySelectorAll(`[data-part="${box.dataset.show}"]`)) part.hidden = !box.checked;
  };

  address.onShow(() => {
    filter.value = address.get("find") ?? "";
    const hidden = address.all("hide");
    for (const box of boxes) {
      box.checked = !hidden.includes(box.dataset.name);
      applyBox(box);
    }
    applyFilter();
  });

  for (const box of boxes) {
    box.checked = true;
    box.addEventListener("change", () => {
      applyBox(box);
      address.set("hide", boxes.filter((one) => !one.checked).map((one) => one.dataset.name));
    });
  }
  filter.value = "";
  filter.addEventListener("input", () => {
    applyFilter();
    address.set("find", [filter.value.trim()]);
  });
  toolbar.hidden = scenes.length === 0;
})();
