/**
 * What the node tells the degradation view of a run.
 *
 * @import { Atlas, FaceReport } from "./map.js"
 *
 * @typedef {Object} Report
 * @property {Atlas | null} atlas
 * @property {FaceReport[]} faces the first ones
 * @property {number} count of all faces
 */

import { areNumbers, isObject } from "../shared/payload.js";

const MOST_FACES_KEPT = 60;
const MOST_POINTS_KEPT = 600;

/**
 * What can be drawn of a payload, or null if there is none.
 * @param {unknown} payload
 * @returns {Report | null}
 */
export function readReport(payload) {
  if (!isObject(payload) || !Array.isArray(payload.faces)) return null;
  const { atlas, count } = payload;
  const faces = payload.faces.filter(isObject).map(readFace);
  const drawable = isObject(atlas) && Array.isArray(atlas.labels) && Array.isArray(atlas.points);
  return {
    atlas: drawable
      ? {
          labels: atlas.labels.map(String),
          points: atlas.points.filter((/** @type {unknown} */ point) => areNumbers(point, 3)),
        }
      : null,
    faces,
    count: Number.isFinite(count) ? Math.max(count, faces.length) : faces.length,
  };
}

/**
 * The faces of several runs on one map, numbered through; the map is that of the first run that has
 * one.
 * @param {Report[]} reports
 * @returns {Report}
 */
export function mergeReports(reports) {
  let count = 0;
  const faces = reports.flatMap((report) => {
    const start = count;
    count += report.count;
    return report.faces.map((face) => ({ ...face, number: start + face.number }));
  });
  const atlas = reports.find((report) => report.atlas)?.atlas ?? null;
  return { atlas, faces, count };
}

/**
 * The first faces as plain data, few enough to be saved with a workflow; of a large atlas only
 * some of the points.
 * @param {Report} report
 */
export function keepable({ atlas, faces, count }) {
  const every = Math.ceil((atlas?.points.length ?? 0) / MOST_POINTS_KEPT);
  return {
    atlas: atlas && { ...atlas, points: atlas.points.filter((_, index) => index % every === 0) },
    faces: faces.slice(0, MOST_FACES_KEPT),
    count,
  };
}

/**
 * @param {Record<string, any>} face
 * @returns {FaceReport}
 */
function readFace({ number, position, severity, nearest, text }) {
  return {
    number: Number(number) || 0,
    position: areNumbers(position, 2) ? [position[0], position[1]] : null,
    severity: Number.isFinite(severity) ? Math.min(Math.max(severity, 0), 1) : null,
    nearest: Array.isArray(nearest) ? nearest.filter((pair) => Number.isFinite(pair?.[1])) : [],
    text: String(text ?? ""),
  };
}
