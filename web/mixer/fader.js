/**
 * The arithmetic of a fader: positions in [-1, 1], up is +1, in steps of a hundredth.
 *
 * @import { Mode } from "./alpha.js"
 */

const STEP = 100; // steps from 0 to 1
const DETENT = 0.04; // a drag that ends this near to 0 ends at 0
const FINE = 0.2; // of the pointer's way, with Shift
/** @type {Record<string, number>} */
const KEYS = { ArrowUp: 0.05, ArrowRight: 0.05, ArrowDown: -0.05, ArrowLeft: -0.05 };
/** @type {Record<string, number>} */
const PAGES = { PageUp: 0.25, PageDown: -0.25 };
/** @type {Record<string, number>} */
const ENDS = { Home: -1, End: 1, Delete: 0, Backspace: 0, 0: 0 };

/**
 * The nearest step within the range; anything that is no number becomes 0.
 * @param {unknown} value
 */
export function toStep(value) {
  const number = Number(value);
  if (!Number.isFinite(number)) return 0;
  return Math.round(Math.min(Math.max(number, -1), 1) * STEP) / STEP + 0; // + 0: no minus zero
}

/**
 * Where a drag has brought the fader.
 * @param {number} start its position when the drag began
 * @param {number} way of the pointer upward, as a share of the track's length
 * @param {boolean} fine with Shift: a fifth of the way, and no detent
 */
export function drag(start, way, fine) {
  const moved = start + 2 * way * (fine ? FINE : 1);
  return !fine && Math.abs(moved) < DETENT ? 0 : toStep(moved);
}

/**
 * The position at a height of the track, for a press beside the handle.
 * @param {number} height share of the track's length, from its lower end
 */
export function atHeight(height) {
  return drag(2 * height - 1, 0, false);
}

/**
 * Where a key brings the fader; null if it is none of the fader's keys.
 * @param {number} position
 * @param {string} key as of KeyboardEvent.key
 * @param {boolean} fine with Shift: a single step
 * @returns {number | null}
 */
export function pressKey(position, key, fine) {
  if (Object.hasOwn(ENDS, key)) return ENDS[key];
  if (Object.hasOwn(PAGES, key)) return toStep(position + PAGES[key]);
  if (!Object.hasOwn(KEYS, key)) return null;
  return toStep(position + (fine ? Math.sign(KEYS[key]) / STEP : KEYS[key]));
}

/**
 * As the mixer writes it below the fader: a share in override mode, else with its sign.
 * @param {number} position
 * @param {Mode} mode
 */
export function writePosition(position, mode) {
  if (mode === "override") return ((position + 1) / 2).toFixed(2);
  if (!position) return "0";
  return `${position > 0 ? "+" : "\u2212"}${Math.abs(position).toFixed(2)}`;
}
