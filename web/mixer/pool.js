/**
 * Distributions of several runs as one.
 *
 * @import { Distribution, Sample } from "./distribution.js"
 *
 * @typedef {Object} Weighted
 * @property {Distribution} part
 * @property {number} weight such as the number of its faces
 */

import { QUANTILES, sample } from "./distribution.js";

/**
 * How alpha is spread over the channels of all parts, by their weights. Mean and histogram are
 * exact, the quantiles as near as the parts are known. A part alone stays as it is.
 * @param {Weighted[]} parts at least one, with as many bins each
 * @returns {Distribution}
 */
export function poolDistributions(parts) {
  if (parts.length === 1) return parts[0].part;
  const total = parts.reduce((sum, { weight }) => sum + weight, 0) || 1;
  /** @param {(part: Distribution) => number} value */
  const average = (value) =>
    parts.reduce((sum, { part, weight }) => sum + (value(part) * weight) / total, 0);
  const samples = parts.flatMap(({ part, weight }) =>
    sample(part).map(({ alpha, share }) => ({ alpha, share: (share * weight) / total })),
  );
  samples.sort((a, b) => a.alpha - b.alpha);
  return {
    mean: average(({ mean }) => mean),
    quantiles: QUANTILES.map((quantile) => alphaAt(samples, quantile)),
    histogram: parts[0].part.histogram.map((_, bin) => average(({ histogram }) => histogram[bin])),
  };
}

/**
 * The alpha below which a share of the channels lies.
 * @param {Sample[]} samples by alpha
 * @param {number} share in 0..1
 */
function alphaAt(samples, share) {
  let below = 0;
  for (const sample of samples) {
    below += sample.share;
    if (below >= share) return sample.alpha;
  }
  return samples.at(-1)?.alpha ?? 0;
}
