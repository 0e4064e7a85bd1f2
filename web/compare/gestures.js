/**
 * What the pointer does on a compare slider: drags the divider, or the zoomed picture.
 */

import { WHOLE, clamp, pan, wheelFactor, zoomAt } from "./view.js";

const GRIP = 14; // px of the screen, around the divider
const CLOSE_UP = 4; // zoom of a double click

export class Gestures {
  /** @param {import("./slider.js").CompareSlider} slider */
  constructor(slider) {
    this.slider = slider;
    this.drag = null; // how the pointer's moves are taken
    const { stage } = slider;
    stage.addEventListener("pointerdown", (event) => this.begin(event));
    stage.addEventListener("pointermove", (event) => this.move(event));
    for (const type of ["pointerup", "pointercancel"]) {
      stage.addEventListener(type, () => this.end());
    }
    stage.addEventListener("dblclick", (event) => this.toggleZoom(event));
  }

  begin(event) {
    if (event.button !== 0) return;
    const { slider } = this;
    const { x, width } = this.at(event);
    const onDivider = Math.abs(x - slider.divider) * width <= GRIP;
    this.drag = onDivider || slider.view.scale === 1 ? "divider" : "pan";
    this.last = this.at(event);
    slider.stage.focus({ preventScroll: true });
    slider.stage.setPointerCapture(event.pointerId);
    event.preventDefault();
  }

  move(event) {
    if (!this.drag) return;
    const now = this.at(event);
    if (this.drag === "divider") {
      this.slider.setDivider(clamp(now.x, 0, 1), { rests: false });
    } else {
      this.slider.setView(pan(this.slider.view, now.x - this.last.x, now.y - this.last.y));
    }
    this.last = now;
  }

  end() {
    if (this.drag === "divider") this.slider.setDivider(this.slider.divider);
    this.drag = null;
  }

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

  /** Where the pointer is, as shares of the stage; the canvas may be zoomed. */
  at({ clientX, clientY }) {
    const { left, top, width, height } = this.slider.stage.getBoundingClientRect();
    return { x: (clientX - left) / width, y: (clientY - top) / height, width };
  }
}
