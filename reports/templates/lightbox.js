// One picture, as large as the window; arrows step through a scene, and another picture can be laid over it.
"use strict";
(() => {
  const BLINK_MS = 600;
  const NEAR_DIVIDER_PX = 24;
  const dialog = document.querySelector("[data-lightbox]");
  const find = (name) => dialog.querySelector(`[data-${name}]`);
  const [title, position, values, scale] = ["title", "position", "values", "scale"].map(find);
  const [sheet, picture, over, other, divider] = ["sheet", "picture", "over", "other", "divider"].map(find);
  const [compare, split, splitLabel, blink] = ["compare", "split", "split-label", "blink"].map(find);

  let scene = null;
  let links = [];
  let index = 0;
  let blinking = null;

  const view = new PictureView(sheet, picture, [other], (frame) => {
    const percent = Math.round(100 * view.scale * devicePixelRatio);
    scale.textContent = `${percent} %`;
    sheet.classList.toggle("movable", frame.width > view.box.width + 1 || frame.height > view.box.height + 1);
    cut();
  });

  const visible = (element) => element.closest("[hidden]") === null;
  const linksOf = (article) => [...article.querySelectorAll("a.picture")].filter(visible);
  const label = (number) => links[number].dataset.label;

  const show = (number) => {
    index = (number + links.length) % links.length;
    const link = links[index];
    picture.src = link.href;
    picture.alt = link.querySelector("img").alt;
    title.textContent = `${scene.dataset.scene}: ${label(index)}`;
    position.textContent = `${index + 1} of ${links.length}`;
    const scores = link.closest("figure").querySelectorAll(".values > div");
    values.textContent = [...scores].map((score) => [...score.children].map((part) => part.innerText.trim()).join(" ")).join(" · ");
    showOther();
  };

  const showOther = () => {
    const link = links.find((candidate) => candidate.dataset.label === compare.value);
    const comparing = link !== undefined && link !== links[index];
    dialog.classList.toggle("comparing", comparing);
    over.hidden = divider.hidden = splitLabel.hidden = !comparing;
    if (comparing) {
      other.src = link.href;
      other.alt = link.querySelector("img").alt;
      sheet.dataset.left = label(index);
      sheet.dataset.right = link.dataset.label;
    } else {
      other.removeAttribute("src");
      stopBlinking();
    }
    view.draw();
    address.setAt(scene.id, { open: label(index), with: comparing ? compare.value : null });
  };

  // The range goes over the picture, which may be narrower or wider than its sheet.
  const cut = () => {
    const { left, width } = view.frame;
    const at = Math.min(view.box.width, Math.max(0, left + (width * split.value) / 100));
    sheet.style.setProperty("--cut", `${at}px`);
    return at;
  };
  const cutAt = (x) => {
    const { left, width } = view.frame;
    split.value = (100 * (x - left)) / width;
    cut();
  };

  const stopBlinking = () => {
    clearInterval(blinking);
    blinking = null;
    blink.setAttribute("aria-pressed", "false");
    dialog.classList.remove("blinking", "blinked");
  };
  const toggleBlinking = () => {
    if (blinking) return stopBlinking();
    if (!dialog.classList.contains("comparing")) toggleTarget();
    if (!dialog.classList.contains("comparing")) return;
    blink.setAttribute("aria-pressed", "true");
    dialog.classList.add("blinking");
    blinking = setInterval(() => dialog.classList.toggle("blinked"), BLINK_MS);
  };

  const offerComparisons = (chosen) => {
    const labels = ["", ...links.map((link) => link.dataset.label)];
    compare.replaceChildren(...labels.map((name) => new Option(name || "nothing", name)));
    compare.value = labels.includes(chosen) ? chosen : "";
  };

  const enter = (article, number, chosen = compare.value) => {
    scene = article;
    links = linksOf(article);
    offerComparisons(chosen);
    show(number);
  };

  const open = (article, number, chosen) => {
    if (!dialog.open) dialog.showModal();
    view.fitted = true;
    enter(article, number, chosen);
  };

  const stepScene = (step) => {
    const scenes = [...document.querySelectorAll(".scene")].filter((article) => visible(article) && linksOf(article).length);
    const next = scenes[scenes.indexOf(scene) + step];
    if (!next) return;
    const same = linksOf(next).findIndex((link) => link.dataset.label === label(index));
    view.fitted = true;
    enter(next, Math.max(0, same));
  };

  const toggleTarget = () => {
    const others = links.filter((_, number) => number !== index);
    const target = others.find((link) => link.dataset.label === "target") ?? others[0];
    compare.value = compare.value || !target ? "" : target.dataset.label;
    showOther();
  };

  const sizes = {
    fit: () => view.fit(),
    one: () => view.zoomTo(view.oneToOne),
    in: () => view.zoomBy(1.5),
    out: () => view.zoomBy(1 / 1.5),
  };
  const keys = {
    ArrowLeft: () => show(index - 1),
    ArrowRight: () => show(index + 1),
    ArrowUp: () => stepScene(-1),
    ArrowDown: () => stepScene(1),
    c: toggleTarget,
    b: toggleBlinking,
    0: sizes.fit,
    1: sizes.one,
    "+": sizes.in,
    "-": sizes.out,
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.picture");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const article = link.closest(".scene");
    open(article, linksOf(article).indexOf(link));
  });

  address.onShow(() => {
    const article = document.getElementById(address.place);
    const wanted = address.get("open");
    if (!wanted || !article?.matches(".scene")) return dialog.close();
    const number = linksOf(article).findIndex((link) => link.dataset.label === wanted);
    if (number >= 0) open(article, number, address.get("with") ?? "");
  });

  dialog.addEventListener("keydown", (event) => {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const busy = event.target === split || event.target === compare;
    if (busy || event.ctrlKey || event.metaKey || event.altKey || !(key in keys)) return;
    event.preventDefault();
    keys[key]();
  });
  dialog.addEventListener("close", () => {
    stopBlinking();
    picture.removeAttribute("src");
    other.removeAttribute("src");
    if (address.place === scene.id) address.setAt(scene.id, { open: null, with: null }); // or another address was opened
    links[index].scrollIntoView({ block: "nearest" });
    links[index].focus({ preventScroll: true });
  });
  find("close").addEventListener("click", () => dialog.close());
  blink.addEventListener("click", toggleBlinking);
  for (const button of dialog.querySelectorAll("[data-step]")) {
    button.addEventListener("click", () => show(index + Number(button.dataset.step)));
  }
  for (const button of dialog.querySelectorAll("[data-size]")) {
    button.addEventListener("click", sizes[button.dataset.size]);
  }
  compare.addEventListener("change", showOther);
  split.addEventListener("input", cut);

  // A drag moves the divider where it begins near it, or where there is nothing to move; else the picture.
  let dragsDivider = false;
  sheet.addEventListener("pointerdown", (event) => {
    const comparing = dialog.classList.contains("comparing");
    const [x] = view.at(event);
    dragsDivider = comparing && (!sheet.classList.contains("movable") || Math.abs(x - cut()) < NEAR_DIVIDER_PX);
    sheet.setPointerCapture(event.pointerId);
    if (dragsDivider) cutAt(x);
  });
  sheet.addEventListener("pointermove", (event) => {
    if (!sheet.hasPointerCapture(event.pointerId)) return;
    if (dragsDivider) cutAt(view.at(event)[0]);
    else view.panBy(event.movementX, event.movementY);
  });
})();
