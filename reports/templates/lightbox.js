// One picture, as large as the window; arrows step through a scene, and another picture can be laid over it.
"use strict";
(() => {
  const dialog = document.querySelector("[data-lightbox]");
  const find = (name) => dialog.querySelector(`[data-${name}]`);
  const [title, position, values] = ["title", "position", "values"].map(find);
  const [sheet, picture, other, divider] = ["sheet", "picture", "other", "divider"].map(find);
  const [compare, split, splitLabel] = ["compare", "split", "split-label"].map(find);

  let scene = null;
  let links = [];
  let index = 0;

  const visible = (element) => element.closest("[hidden]") === null;
  const linksOf = (article) => [...article.querySelectorAll("a.picture")].filter(visible);

  const show = (number) => {
    index = (number + links.length) % links.length;
    const link = links[index];
    picture.src = link.href;
    picture.alt = link.querySelector("img").alt;
    title.textContent = `${scene.dataset.scene}: ${link.dataset.label}`;
    position.textContent = `${index + 1} of ${links.length}`;
    const scores = link.closest("figure").querySelectorAll(".values > div");
    values.textContent = [...scores].map((score) => [...score.children].map((part) => part.innerText.trim()).join(" ")).join(" · ");
    showOther();
  };

  const showOther = () => {
    const link = links.find((candidate) => candidate.dataset.label === compare.value);
    const comparing = link !== undefined && link !== links[index];
    dialog.classList.toggle("comparing", comparing);
    other.hidden = divider.hidden = splitLabel.hidden = !comparing;
    if (!comparing) return other.removeAttribute("src");
    other.src = link.href;
    sheet.dataset.left = links[index].dataset.label;
    sheet.dataset.right = link.dataset.label;
    other.alt = link.querySelector("img").alt;
    cut();
  };

  // The range goes over the picture, which may be narrower than its sheet.
  const drawn = () => {
    const box = sheet.getBoundingClientRect();
    const scale = Math.min(box.width / (picture.naturalWidth || 1), box.height / (picture.naturalHeight || 1));
    const width = picture.naturalWidth * scale;
    return { box, width, left: (box.width - width) / 2 };
  };
  const cut = () => {
    const { box, width, left } = drawn();
    sheet.style.setProperty("--cut", `${(100 * (left + (width * split.value) / 100)) / box.width}%`);
  };
  const cutAt = (event) => {
    const { box, width, left } = drawn();
    split.value = (100 * (event.clientX - box.left - left)) / width;
    cut();
  };

  const offerComparisons = () => {
    const chosen = compare.value;
    const labels = ["", ...links.map((link) => link.dataset.label)];
    compare.replaceChildren(...labels.map((label) => new Option(label || "nothing", label)));
    compare.value = labels.includes(chosen) ? chosen : "";
  };

  const enter = (article, number) => {
    scene = article;
    links = linksOf(article);
    offerComparisons();
    show(number);
  };

  const stepScene = (step) => {
    const scenes = [...document.querySelectorAll(".scene")].filter((article) => visible(article) && linksOf(article).length);
    const next = scenes[scenes.indexOf(scene) + step];
    if (!next) return;
    const label = links[index].dataset.label;
    const same = linksOf(next).findIndex((link) => link.dataset.label === label);
    enter(next, Math.max(0, same));
  };

  const toggleTarget = () => {
    const target = links.find((link) => link.dataset.label === "target") ?? links[0];
    compare.value = compare.value ? "" : target.dataset.label;
    showOther();
  };

  const keys = {
    ArrowLeft: () => show(index - 1),
    ArrowRight: () => show(index + 1),
    ArrowUp: () => stepScene(-1),
    ArrowDown: () => stepScene(1),
    c: toggleTarget,
    C: toggleTarget,
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.picture");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const article = link.closest(".scene");
    dialog.showModal();
    enter(article, linksOf(article).indexOf(link));
  });

  dialog.addEventListener("keydown", (event) => {
    const busy = event.target === split || event.target === compare;
    if (busy || event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });
  dialog.addEventListener("close", () => {
    picture.removeAttribute("src");
    other.removeAttribute("src");
    links[index].scrollIntoView({ block: "nearest" });
    links[index].focus({ preventScroll: true });
  });
  find("close").addEventListener("click", () => dialog.close());
  for (const button of dialog.querySelectorAll("[data-step]")) {
    button.addEventListener("click", () => show(index + Number(button.dataset.step)));
  }
  compare.addEventListener("change", showOther);
  split.addEventListener("input", cut);
  picture.addEventListener("load", cut);
  addEventListener("resize", () => dialog.open && cut());
  sheet.addEventListener("pointerdown", (event) => {
    if (!dialog.classList.contains("comparing")) return;
    sheet.setPointerCapture(event.pointerId);
    cutAt(event);
  });
  sheet.addEventListener("pointermove", (event) => {
    if (sheet.hasPointerCapture(event.pointerId)) cutAt(event);
  });
})();
