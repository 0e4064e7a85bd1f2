/**
 * What the node tells the mixer of a run.
 *
 * @import { Distribution } from "./distribution.js"
 *
 * @typedef {Object} Report
 * @property {number} faces
 * @property {Record<string, Distribution>} chosen by the network, by the fader's widget; empty if
 *   there was no face, without the levels that the model does not have
 * @property {Record<string, Record<string, number>>} presets where each preset takes a fader's
 *   level with these weights; without the faders of which the run did not say it
 */

import { areNumbers, isObject } from "../shared/payload.js";
import { poolDistributions } from "./pool.js";

const KEPT_DIGITS = 4; // after the point

/**
 * The report of a payload, or null if there is none.
 * @param {unknown} payload
 * @returns {Report | null}
 */
export function readReport(payload) {
  if (!isObject(payload) || !Array.isArray(payload.levels)) return null;
  const levels = payload.levels.filter(isLevel);
  return {
    faces: Number(payload.faces) || 0,
    chosen: Object.fromEntries(levels.map(({ widget, chosen }) => [widget, chosen])),
    presets: Object.fromEntries(
      levels.flatMap(({ widget, presets }) => (arePlaces(presets) ? [[widget, presets]] : [])),
    ),
  };
}

/**
 * The reports of several runs as if all faces had been mixed in one.
 * @param {Report[]} reports
 * @returns {Report}
 */
export function mergeReports(reports) {
  const widgets = new Set(reports.flatMap(({ chosen }) => Object.keys(chosen)));
  const levels = [...widgets].map((widget) => {
    const having = reports.filter(({ chosen }) => Object.hasOwn(chosen, widget));
    const parts = having.map(({ faces, chosen }) => ({ weight: faces, part: chosen[widget] }));
    return [widget, poolDistributions(parts)];
  });
  return {
    faces: reports.reduce((sum, { faces }) => sum + faces, 0),
    chosen: Object.fromEntries(levels),
    presets: Object.assign({}, ...reports.map(({ presets }) => presets)), // of one model
  };
}

/**
 * A report as plain data, to be saved with a workflow.
 * @param {Report} report
 */
export function keepable({ faces, chosen, presets }) {
  const levels = Object.entries(chosen).map(([widget, { mean, quantiles, histogram }]) => ({
    widget,
    chosen: {
      mean: round(mean),
      quantiles: quantiles.map(round),
      histogram: histogram.map(round),
    },
    ...(presets[widget] && { presets: presets[widget] }),
  }));
  return { faces, levels };
}

/**
 * @param {unknown} value
 * @returns {value is {widget: string, chosen: Distribution, presets?: unknown}}
 */
function isLevel(value) {
  return isObject(value) && typeof value.widget === "string" && isDistribution(value.chosen);
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, number>}
 */
function arePlaces(value) {
  return isObject(value) && Object.values(value).every((place) => Number.isFinite(place));
}

/** @param {unknown} value */
function isDistribution(value) {
  return (
    isObject(value) &&
    Number.isFinite(value.mean) &&
    areNumbers(value.quantiles, 5) &&
    areNumbers(value.histogram, value.histogram?.length || 1)
  );
}

/** @param {number} value */
function round(value) {
  return Number(value.toFixed(KEPT_DIGITS));
}
