/**
 * How alpha is spread over the channels of a level, as the node sends it, and what becomes of that
 * when every alpha is changed.
 *
 * @typedef {Object} Distribution of alpha over a level's channels and all faces
 * @property {number} mean
 * @property {number[]} quantiles at 5, 25, 50, 75 and 95 %
 * @property {number[]} histogram shares of equal parts of [0, 1]; their sum is 1
 *
 * @typedef {Object} Sample
 * @property {number} alpha
 * @property {number} share of the channels that it stands for
 */

/** Which quantiles there are. */
export const QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95];
const PARTS = 16; // samples between two points of which it is known how many channels lie below
const LEAST_ALPHA = 1e-5; // and 1 minus it: what is sampled nearest to the ends

/**
 * A distribution after a change that keeps the order of alphas. The quantiles are exact; the rest
 * is estimated, the worse the more a change tells alphas near 0 or near 1 apart.
 * @param {Distribution} chosen
 * @param {(alpha: number) => number} change
 * @returns {Distribution}
 */
export function changeDistribution(chosen, change) {
  const samples = sample(chosen);
  const moved = samples.map(({ alpha, share }) => ({ alpha: change(alpha), share }));
  const bins = chosen.histogram.length;
  const histogram = new Array(bins).fill(0);
  for (const { alpha, share } of moved) histogram[binOf(alpha, bins)] += share;
  const mean = changedMean(chosen, samples, moved);
  return { mean, quantiles: chosen.quantiles.map(change), histogram };
}

/**
 * The samples' mean, less what they miss of the true mean before the change, as far as the change
 * lets it through: nothing is missed where nothing is changed.
 * @param {Distribution} chosen
 * @param {Sample[]} samples of it
 * @param {Sample[]} moved the same ones after the change
 */
function changedMean(chosen, samples, moved) {
  const [before, after] = [meanOf(samples), meanOf(moved)];
  let [together, alone] = [0, 0];
  samples.forEach(({ alpha, share }, index) => {
    together += share * (alpha - before) * (moved[index].alpha - after);
    alone += share * (alpha - before) ** 2;
  });
  const passed = alone > 0 ? together / alone : 0;
  return Math.min(Math.max(after + passed * (chosen.mean - before), 0), 1);
}

/**
 * Alphas that are spread as the distribution says, from low to high. Between two known points they
 * lie evenly by their log-odds, as alphas crowd at 0 and 1: the network gives sigmoids.
 * @param {Distribution} distribution
 * @returns {Sample[]}
 */
export function sample(distribution) {
  const points = knownPoints(distribution);
  return points.slice(1).flatMap((end, index) => {
    const start = points[index];
    const share = (end.below - start.below) / PARTS;
    if (share <= 0) return [];
    const [from, to] = [logOdds(start.alpha), logOdds(end.alpha)];
    return Array.from({ length: PARTS }, (_, part) => ({
      alpha: sigmoid(from + ((to - from) * (part + 0.5)) / PARTS),
      share,
    }));
  });
}

/**
 * Where it is known which share of the channels lies below: the edges of the bins, and the
 * quantiles as far as they agree with them.
 * @param {Distribution} distribution
 * @returns {{alpha: number, below: number}[]} in order
 */
function knownPoints({ quantiles, histogram }) {
  const bins = histogram.length;
  const edges = [{ alpha: 0, below: 0 }];
  histogram.forEach((share, bin) => {
    edges.push({ alpha: (bin + 1) / bins, below: edges[bin].below + share });
  });
  const inner = quantiles.map((alpha, index) => {
    const bin = binOf(alpha, bins);
    const below = Math.max(edges[bin].below, Math.min(QUANTILES[index], edges[bin + 1].below));
    return { alpha, below };
  });
  return [...edges, ...inner].sort((a, b) => a.alpha - b.alpha || a.below - b.below);
}

/** @param {Sample[]} samples */
function meanOf(samples) {
  return samples.reduce((sum, { alpha, share }) => sum + alpha * share, 0);
}

/**
 * @param {number} alpha
 * @param {number} bins their number
 */
function binOf(alpha, bins) {
  return Math.max(0, Math.min(Math.floor(alpha * bins), bins - 1));
}

/** @param {number} alpha */
function logOdds(alpha) {
  const inside = Math.min(Math.max(alpha, LEAST_ALPHA), 1 - LEAST_ALPHA);
  return Math.log(inside / (1 - inside));
}

/** @param {number} value */
function sigmoid(value) {
  return 1 / (1 + Math.exp(-value));
}
