// Close-ups: the crops of a scene share one centre (--x, --y, fractions of the picture) and one magnification (--zoom).
// The style sheet keeps a crop inside its picture; here the centre is kept where it can be shown, so that none is lost.
"use strict";
(() => {
  const SCALES = [2, 4, 8];
  const within = (value, margin) => (margin >= 0.5 ? 0.5 : Math.min(1 - margin, Math.max(margin, value)));

  class CloseUp {
    constructor(element) {
      this.element = element;
      this.x = this.read("--x");
      this.y = this.read("--y");
      this.zoom = this.read("--zoom");
      for (const part of element.querySelectorAll("[data-places], [data-scales], [data-hint]")) part.hidden = false;
      this.places = [...element.querySelectorAll("[data-places] button")];
      this.scales = [...element.querySelectorAll("[data-scales] button")];
      for (const place of this.places) place.addEventListener("click", () => this.moveTo(Number(place.dataset.x), Number(place.dataset.y)));
      for (const scale of this.scales) scale.addEventListener("click", () => this.magnify(Number(scale.dataset.scale)));
      address.onShow(() => this.restore());
      for (const crop of element.querySelectorAll(".crop")) this.listenToCrop(crop);
      this.listenToLocator(element.querySelector("[data-locator]"));
      element.querySelector("[data-crops]").addEventListener("keydown", (event) => this.onKey(event));
      // The frame on the overview needs the size of a crop as a plain number.
      const measure = ([entry]) => element.style.setProperty("--crop", entry.contentRect.width);
      new ResizeObserver(measure).observe(element.querySelector(".crop"));
    }

    read(name) { return Number(this.element.style.getPropertyValue(name)); }

    // As far from the picture's border as half a crop.
    inside(x, y) {
      const margin = (name) => this.read("--crop") / (2 * this.zoom * this.read(name));
      return [within(x, margin("--w")), within(y, margin("--h"))];
    }

    // What is only looked at is shown, but not kept.
    show(x, y) {
      const [column, row] = this.inside(x, y);
      this.element.style.setProperty("--x", column);
      this.element.style.setProperty("--y", row);
    }

    keep() {
      const values = [this.x, this.y].map((value) => Number(value.toFixed(4)));
      address.setAt(this.element.closest(".scene").id, { crop: [...values, this.zoom].join() });
    }

    restore() {
      if (address.place !== this.element.closest(".scene").id || !address.get("crop")) return;
      const [x, y, zoom] = address.get("crop").split(",").map(Number);
      if (![x, y].every(Number.isFinite) || !SCALES.includes(zoom)) return;
      this.magnify(zoom);
      this.moveTo(x, y);
    }

    moveTo(x, y) {
      for (const place of this.places) {
        const here = Number(place.dataset.x) === x && Number(place.dataset.y) === y;
        place.setAttribute("aria-pressed", String(here));
      }
      [this.x, this.y] = this.inside(x, y);
      this.show(this.x, this.y);
      this.keep();
    }

    magnify(zoom) {
      this.zoom = zoom;
      this.element.style.setProperty("--zoom", zoom);
      for (const scale of this.scales) scale.setAttribute("aria-pressed", String(Number(scale.dataset.scale) === zoom));
      this.show(this.x, this.y);
      this.keep();
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
