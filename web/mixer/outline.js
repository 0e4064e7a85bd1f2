/**
 * The shapes behind a fader: half a violin to each side, as paths in a box of 100 x 100.
 *
 * @import { Distribution } from "./distribution.js"
 */

const CENTRE = 50;
const REACH = 44; // of the largest share, to either side

/**
 * The outline of a histogram from the centre to one side, alpha 0 below and 1 above.
 * @param {number[]} histogram
 * @param {"left" | "right"} side
 * @param {number} [largest] the share that reaches furthest; by default the histogram's own
 * @returns {string} an SVG path
 */
export function outline(histogram, side, largest = Math.max(...histogram)) {
  const bins = histogram.length;
  const sign = side === "left" ? -1 : 1;
  const points = histogram.map((share, bin) => {
    const x = CENTRE + (sign * REACH * share) / (largest || 1);
    return `L${round(x)} ${round(heightOf((bin + 0.5) / bins))}`;
  });
  return `M${CENTRE} ${heightOf(0)}${points.join("")}L${CENTRE} ${heightOf(1)}Z`;
}

/**
 * The lower and upper end of a level's middle half, and its median, as heights from above.
 * @param {Distribution} distribution
 * @returns {{top: number, bottom: number, median: number}}
 */
export function middle(distribution) {
  const [, lower, median, upper] = distribution.quantiles;
  return { top: heightOf(upper), bottom: heightOf(lower), median: heightOf(median) };
}

/** @param {number} alpha in [0, 1] */
function heightOf(alpha) {
  return 100 * (1 - alpha);
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}
