// A picture in a sheet: fitted, one to one, or as large as the wheel makes it; from twice its size on, pixels are shown.
"use strict";
class PictureView {
  static LARGEST = 32;
  static PIXELS_FROM = 2;

  constructor(sheet, picture, others, onChange) {
    Object.assign(this, { sheet, picture, others, onChange });
    this.fitted = true;
    picture.addEventListener("load", () => this.draw());
    addEventListener("resize", () => this.draw());
    sheet.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoomBy(1.2 ** (-event.deltaY / 100), ...this.at(event));
    }, { passive: false });
  }

  get size() { return [this.picture.naturalWidth || 1, this.picture.naturalHeight || 1]; }
  get box() { return this.sheet.getBoundingClientRect(); }
  get fitScale() {
    const [width, height] = this.size;
    return Math.min(this.box.width / width, this.box.height / height);
  }
  get oneToOne() { return 1 / devicePixelRatio; }
  get scale() { return this.fitted ? this.fitScale : this.chosen; }
  // Where the picture is drawn, in px of the sheet.
  get frame() {
    const [width, height] = this.size.map((side) => side * this.scale);
    const place = (centre, side, room) => {
      if (side <= room) return (room - side) / 2;
      return Math.min(0, Math.max(room - side, room / 2 - centre * side));
    };
    return { left: place(this.x ?? 0.5, width, this.box.width), top: place(this.y ?? 0.5, height, this.box.height), width, height };
  }

  at(event) { return [event.clientX - this.box.left, event.clientY - this.box.top]; }

  fit() {
    this.fitted = true;
    this.x = this.y = 0.5;
    this.draw();
  }

  // What lies at (x, y), in px of the sheet, stays there.
  zoomTo(scale, x = this.box.width / 2, y = this.box.height / 2) {
    const before = this.frame;
    const [column, row] = [(x - before.left) / before.width, (y - before.top) / before.height];
    this.chosen = Math.min(PictureView.LARGEST, Math.max(Math.min(this.fitScale, this.oneToOne), scale));
    this.fitted = false;
    const [width, height] = this.size.map((side) => side * this.chosen);
    this.x = column + (this.box.width / 2 - x) / width;
    this.y = row + (this.box.height / 2 - y) / height;
    this.settle();
  }

  zoomBy(factor, x, y) { this.zoomTo(this.scale * factor, x, y); }

  panBy(dx, dy) {
    const { width, height } = this.frame;
    this.x = (this.x ?? 0.5) - dx / width;
    this.y = (this.y ?? 0.5) - dy / height;
    this.settle();
  }

  // The centre follows what the frame allows, so that a drag that went too far need not come all the way back.
  settle() {
    const { left, top, width, height } = this.frame;
    this.x = (this.box.width / 2 - left) / width;
    this.y = (this.box.height / 2 - top) / height;
    this.draw();
  }

  draw() {
    const frame = this.frame;
    const pixels = this.scale * devicePixelRatio >= PictureView.PIXELS_FROM - 1e-6;
    for (const image of [this.picture, ...this.others]) {
      for (const side of ["left", "top", "width", "height"]) image.style[side] = `${frame[side]}px`;
      image.style.imageRendering = pixels ? "pixelated" : "auto";
    }
    this.onChange(frame);
  }
}
