/**
 * What the mixer does to alpha, the GAN prior's share, as `panini_core` does it on the server
 * (`apply_fidelity`, `move_levels`, `override_levels`): the browser shows it while a fader moves.
 *
 * @typedef {"bias" | "override"} Mode
 */

/**
 * Where a preset takes a level for which the server did not say it: 0.5 is neutral, 1 all picture,
 * 0 all prior.
 * @type {Record<string, number>}
 */
const PRESETS = { balanced: 0.5, faithful: 0.65, beautiful: 0.35 };

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
 * @param {Record<string, number>} [places] where the presets take this level with these weights
 * @returns {(alpha: number) => number}
 */
export function alphaChange(mode, preset, position, places = PRESETS) {
  if (mode === "override") return () => (position + 1) / 2;
  const fidelity = Object.hasOwn(places, preset) ? places[preset] : 0.5;
  return (alpha) => moveAlpha(applyFidelity(alpha, fidelity), position);
}
