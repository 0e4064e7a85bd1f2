/**
 * What the pointer does on a compare slider: drags the divider, or the zoomed picture.
 *
 * @import { CompareSlider } from "./slider.js"
 *
 * @typedef {Object} Place of the pointer
 * @property {number} x share of the stage, as y
 * @property {number} y
 * @property {number} width of the stage, px of the screen
 */

import { WHOLE, clamp, pan, wheelFactor, zoomAt } from "./view.js";

const GRIP = 14; // px of the screen, around the divider
const CLOSE_UP = 4; // zoom of a double click

export class Gestures {
  /** @param {CompareSlider} slider */
  constructor(slider) {
    this.slider = slider;
    /** @type {{of: "divider" | "picture", last: Place} | null} */
    this.drag = null;
    const { stage } = slider;
    stage.addEventListener("pointerdown", (event) => this.begin(event));
    stage.addEventListener("pointermove", (event) => this.move(event));
    stage.addEventListener("lostpointercapture", () => this.end());
    stage.addEventListener("dblclick", (event) => this.toggleZoom(event));
  }

  /** @param {PointerEvent} event */
  begin(event) {
    if (event.button !== 0) return;
    const { slider } = this;
    const last = this.at(event);
    const onDivider = Math.abs(last.x - slider.divider) * last.width <= GRIP;
    this.drag = { of: onDivider || slider.view.scale === 1 ? "divider" : "picture", last };
    slider.stage.focus({ preventScroll: true });
    slider.stage.setPointerCapture(event.pointerId);
    event.preventDefault();
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (!this.drag) return;
    const now = this.at(event);
    const { of, last } = this.drag;
    if (of === "divider") {
      this.slider.setDivider(clamp(now.x, 0, 1), { rests: false });
    } else {
      this.slider.setView(pan(this.slider.view, now.x - last.x, now.y - last.y));
    }
    this.drag.last = now;
  }

  end() {
    if (this.drag?.of === "divider") this.slider.setDivider(this.slider.divider);
    this.drag = null;
  }

  /** @param {MouseEvent} event */
  toggleZoom(event) {
    const { slider } = this;
    const { x, y } = this.at(event);
    slider.setView(slider.view.scale > 1 ? WHOLE : zoomAt(slider.view, CLOSE_UP, x, y));
  }

  /**
   * Zooms at the pointer; false outside of the stage.
   * @param {WheelEvent} event
   */
  zoom(event) {
    if (!this.slider.stage.contains(/** @type {Node} */ (event.target))) return false;
    const { x, y } = this.at(event);
    this.slider.zoom(wheelFactor(event), x, y);
    return true;
  }

  /**
   * Where the pointer is, as shares of the stage; the canvas may be zoomed.
   * @param {MouseEvent} event
   * @returns {Place}
   */
  at({ clientX, clientY }) {
    const { left, top, width, height } = this.slider.stage.getBoundingClientRect();
    return { x: (clientX - left) / width, y: (clientY - top) / height, width };
  }
}
