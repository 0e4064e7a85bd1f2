/**
 * What the node tells the mixer of a run.
 *
 * @typedef {import("./distribution.js").Distribution} Distribution
 *
 * @typedef {Object} Report
 * @property {number} faces
 * @property {Record<string, Distribution>} chosen by the network, by the fader's widget; empty if
 *   there was no face, without the levels that the model does not have
 */

import { areNumbers } from "../shared/payload.js";

const KEPT_DIGITS = 4; // after the point

/**
 * The report of a payload, or null if there is none.
 * @param {any} payload
 * @returns {Report | null}
 */
export function readReport(payload) {
  if (!Array.isArray(payload?.levels)) return null;
  const levels = payload.levels.filter((level) => level?.widget && isDistribution(level.chosen));
  return {
    faces: Number(payload.faces) || 0,
    chosen: Object.fromEntries(levels.map(({ widget, chosen }) => [widget, chosen])),
  };
}

/**
 * A report as plain data, to be saved with a workflow.
 * @param {Report} report
 */
export function keepable({ faces, chosen }) {
  const levels = Object.entries(chosen).map(([widget, { mean, quantiles, histogram }]) => ({
    widget,
    chosen: {
      mean: round(mean),
      quantiles: quantiles.map(round),
      histogram: histogram.map(round),
    },
  }));
  return { faces, levels };
}

function isDistribution(value) {
  return (
    Number.isFinite(value?.mean) &&
    areNumbers(value.quantiles, 5) &&
    areNumbers(value.histogram, value.histogram?.length || 1)
  );
}

function round(value) {
  return Number(value.toFixed(KEPT_DIGITS));
}
