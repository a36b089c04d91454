// Close-ups: the crops of a scene share one centre (--x, --y, fractions of the picture) and one magnification (--zoom).
"use strict";
(() => {
  const SCALES = [2, 4, 8];
  const clamp = (value) => Math.min(1, Math.max(0, value));

  class CloseUp {
    constructor(element) {
      this.element = element;
      this.x = this.read("--x");
      this.y = this.read("--y");
      this.zoom = this.read("--zoom");
      for (const part of element.querySelectorAll("[data-edges], [data-scales], [data-hint]")) part.hidden = false;
      this.edges = [...element.querySelectorAll("[data-edges] button")];
      this.scales = [...element.querySelectorAll("[data-scales] button")];
      for (const edge of this.edges) edge.addEventListener("click", () => this.moveTo(Number(edge.dataset.x), Number(edge.dataset.y)));
      for (const scale of this.scales) scale.addEventListener("click", () => this.magnify(Number(scale.dataset.scale)));
      for (const crop of element.querySelectorAll(".crop")) this.listenToCrop(crop);
      this.listenToLocator(element.querySelector("[data-locator]"));
      element.querySelector("[data-crops]").addEventListener("keydown", (event) => this.onKey(event));
      // The frame on the overview needs the size of a crop as a plain number.
      const measure = ([entry]) => element.style.setProperty("--crop", entry.contentRect.width);
      new ResizeObserver(measure).observe(element.querySelector(".crop"));
    }

    read(name) { return Number(this.element.style.getPropertyValue(name)); }

    // What is only looked at is shown, but not kept.
    show(x, y) {
      this.element.style.setProperty("--x", clamp(x));
      this.element.style.setProperty("--y", clamp(y));
    }

    moveTo(x, y) {
      this.x = clamp(x);
      this.y = clamp(y);
      this.show(this.x, this.y);
      for (const edge of this.edges) {
        const here = Number(edge.dataset.x) === this.x && Number(edge.dataset.y) === this.y;
        edge.setAttribute("aria-pressed", String(here));
      }
    }

    magnify(zoom) {
      this.zoom = zoom;
      this.element.style.setProperty("--zoom", zoom);
      for (const scale of this.scales) scale.setAttribute("aria-pressed", String(Number(scale.dataset.scale) === zoom));
    }

    // By pixels of the screen.
    moveBy(dx, dy) {
      this.moveTo(this.x + dx / (this.zoom * this.read("--w")), this.y + dy / (this.zoom * this.read("--h")));
    }

    listenToCrop(crop) {
      crop.addEventListener("pointerdown", (event) => crop.setPointerCapture(event.pointerId));
      crop.addEventListener("pointermove", (event) => {
        if (crop.hasPointerCapture(event.pointerId)) this.moveBy(-event.movementX, -event.movementY);
      });
    }

    listenToLocator(locator) {
      const place = (event) => {
        const box = locator.getBoundingClientRect();
        return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
      };
      locator.addEventListener("pointerdown", (event) => {
        locator.setPointerCapture(event.pointerId);
        this.moveTo(...place(event));
      });
      locator.addEventListener("pointermove", (event) => {
        if (locator.hasPointerCapture(event.pointerId)) this.moveTo(...place(event));
        else if (event.pointerType === "mouse") this.show(...place(event));
      });
      locator.addEventListener("pointerleave", () => this.show(this.x, this.y));
    }

    onKey(event) {
      const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      const scale = { "+": 1, "=": 1, "-": -1 }[event.key];
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key in steps) this.moveBy(...steps[event.key].map((step) => step * 24));
      else if (scale) this.magnify(SCALES[Math.min(2, Math.max(0, SCALES.indexOf(this.zoom) + scale))]);
      else return;
      event.preventDefault();
    }
  }

  for (const element of document.querySelectorAll("[data-zoom]")) new CloseUp(element);
})();
