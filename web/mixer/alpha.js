/**
 * What the mixer does to alpha, the GAN prior's share, as `panini_core` does it on the server
 * (`apply_fidelity`, `move_levels`, `override_levels`): the browser shows it while a fader moves.
 *
 * @typedef {"bias" | "override"} Mode
 * @typedef {Object} Distribution of alpha over a level's channels and all faces
 * @property {number} mean
 * @property {number[]} quantiles at 5, 25, 50, 75 and 95 %
 * @property {number[]} histogram shares of equal parts of [0, 1]; their sum is 1
 */

/** The fidelity behind every preset: 0.5 is neutral, 1 all picture, 0 all prior. */
const PRESETS = { balanced: 0.5, faithful: 0.65, beautiful: 0.35 };

const PARTS = 16; // of a histogram's bin, each of which is moved by itself

/**
 * Alpha after a fidelity: linearly toward 0 (the picture) above 0.5, toward 1 below.
 * @param {number} alpha
 * @param {number} fidelity in [0, 1]
 */
export function applyFidelity(alpha, fidelity) {
  const target = fidelity > 0.5 ? 0 : 1;
  return alpha + (target - alpha) * Math.abs(2 * fidelity - 1);
}

/**
 * Alpha after a fader: its odds times (1 + v) / (1 - v).
 * @param {number} alpha
 * @param {number} position v in [-1, 1]: 0 leaves alpha, 1 is all prior, -1 all picture
 */
export function moveAlpha(alpha, position) {
  if (Math.abs(position) >= 1) return position > 0 ? 1 : 0;
  const prior = alpha * (1 + position);
  return prior / (prior + (1 - alpha) * (1 - position));
}

/**
 * How one alpha changes under the whole setting of the mixer.
 * @param {Mode} mode
 * @param {string} preset an unknown one counts as balanced
 * @param {number} position of the level's fader
 * @returns {(alpha: number) => number}
 */
export function alphaChange(mode, preset, position) {
  if (mode === "override") return () => (position + 1) / 2;
  const fidelity = Object.hasOwn(PRESETS, preset) ? PRESETS[preset] : 0.5;
  return (alpha) => moveAlpha(applyFidelity(alpha, fidelity), position);
}

/**
 * A distribution after a change that keeps the order of alphas.
 * @param {Distribution} chosen
 * @param {(alpha: number) => number} change
 * @returns {Distribution} the quantiles as exact as they were, the rest within a bin's width
 */
export function changeDistribution(chosen, change) {
  const bins = chosen.histogram.length;
  const histogram = new Array(bins).fill(0);
  let mean = 0;
  chosen.histogram.forEach((share, bin) => {
    for (let part = 0; part < PARTS; part += 1) {
      const alpha = change((bin + (part + 0.5) / PARTS) / bins);
      histogram[Math.min(Math.floor(alpha * bins), bins - 1)] += share / PARTS;
      mean += (alpha * share) / PARTS;
    }
  });
  return { mean, quantiles: chosen.quantiles.map(change), histogram };
}
