/**
 * Where the pictures lie on the stage: zoom, pan, and the divider. All lengths are shares of the
 * stage, so that nothing changes when the node is resized.
 *
 * @typedef {Object} View a point p of the fitted picture is shown at offset + scale * p
 * @property {number} scale 1: the whole picture fits
 * @property {number} x
 * @property {number} y
 *
 * @typedef {[x0: number, y0: number, x1: number, y1: number]} Box
 */

import { fitInto } from "../shared/fit.js";

export const MOST_ZOOM = 40;
const FACE_SURROUNDINGS = 2; // how much more than a face is shown when it is jumped to
const WHEEL_SPEED = 0.0015; // of zoom, per px of the wheel
const LINE = 16; // px, of wheels that count in lines
const SAME_SHAPE = 0.02; // of the aspect ratio, as rounding of enlarged sizes

/** @type {View} */
export const WHOLE = Object.freeze({ scale: 1, x: 0, y: 0 });

/**
 * Zooms so that a point of the stage stays where it is.
 * @param {View} view
 * @param {number} factor
 * @param {number} [x]
 * @param {number} [y]
 * @returns {View}
 */
export function zoomAt(view, factor, x = 0.5, y = 0.5) {
  const scale = clamp(view.scale * factor, 1, MOST_ZOOM);
  const ratio = scale / view.scale;
  return within({ scale, x: x - (x - view.x) * ratio, y: y - (y - view.y) * ratio });
}

/**
 * Moves the picture, as far as it still fills the stage.
 * @param {View} view
 * @param {number} right
 * @param {number} down
 * @returns {View}
 */
export function pan(view, right, down) {
  return within({ ...view, x: view.x + right, y: view.y + down });
}

/**
 * Shows a box with its surroundings in the middle.
 * @param {Box} box of the fitted picture, as shares of the stage
 * @returns {View}
 */
export function lookAt([x0, y0, x1, y1]) {
  const side = Math.max(x1 - x0, y1 - y0) * FACE_SURROUNDINGS;
  const scale = clamp(1 / side, 1, MOST_ZOOM);
  return within({
    scale,
    x: 0.5 - (scale * (x0 + x1)) / 2,
    y: 0.5 - (scale * (y0 + y1)) / 2,
  });
}

/**
 * A box in px of a picture as shares of the stage that the picture is fitted into.
 * @param {Box} box
 * @param {[width: number, height: number]} size of the picture, px
 * @param {number} aspect of the stage: width / height
 * @returns {Box}
 */
export function onStage([x0, y0, x1, y1], [width, height], aspect) {
  const place = fitInto([width, height], aspect, 1);
  const x = (/** @type {number} */ value) => (place.left + (place.width * value) / width) / aspect;
  const y = (/** @type {number} */ value) => place.top + (place.height * value) / height;
  return [x(x0), y(y0), x(x1), y(y1)];
}

/**
 * How much a turn of the wheel zooms.
 * @param {{deltaY: number, deltaMode: number}} event
 */
export function wheelFactor({ deltaY, deltaMode }) {
  return Math.exp(-deltaY * (deltaMode === 1 ? LINE : 1) * WHEEL_SPEED);
}

/**
 * The divider after a key, or null for a key that does not move it.
 * @param {number} divider
 * @param {string} key
 * @param {boolean} far whether to make large steps
 */
export function moveDivider(divider, key, far) {
  const step = far ? 0.1 : 0.02;
  /** @type {Record<string, number>} */
  const places = {
    ArrowLeft: divider - step,
    ArrowRight: divider + step,
    Home: 0,
    End: 1,
  };
  return Object.hasOwn(places, key) ? clamp(Math.round(places[key] * 100) / 100, 0, 1) : null;
}

/**
 * Whether two sizes show the same picture, so that either can be stretched onto the other.
 * @param {[width: number, height: number]} a
 * @param {[width: number, height: number]} b
 */
export function haveSameShape(a, b) {
  return Math.abs((a[0] * b[1]) / (a[1] * b[0]) - 1) <= SAME_SHAPE;
}

/**
 * @param {number} value
 * @param {number} least
 * @param {number} most
 */
export function clamp(value, least, most) {
  return Math.min(Math.max(value, least), most);
}

/**
 * The nearest view in which the picture fills the stage.
 * @param {View} view
 * @returns {View}
 */
function within({ scale, x, y }) {
  return { scale, x: clamp(x, 1 - scale, 0), y: clamp(y, 1 - scale, 0) };
}
