/**
 * The pairs of pictures that Compare Images sends.
 *
 * @typedef {[width: number, height: number]} Size px
 *
 * @typedef {Object} Pair
 * @property {import("../shared/payload.js").FileReference} before
 * @property {import("../shared/payload.js").FileReference} after
 * @property {Size} before_size
 * @property {Size} after_size
 * @property {{number: number, box: [number, number, number, number]}[]} faces boxes in px of before
 *
 * @typedef {Object} Pairs
 * @property {number} total of the batch; not all of them may be here
 * @property {Pair[]} pairs the first ones
 */

import { areNumbers, isObject, isReference } from "../shared/payload.js";

const MOST_PAIRS_KEPT = 16;
const MOST_FACES_KEPT = 240;

/**
 * The pairs of a payload, or null if there is none that can be shown.
 * @param {any} payload
 * @returns {Pairs | null}
 */
export function readPairs(payload) {
  const sent = Array.isArray(payload?.pairs) ? payload.pairs : [];
  const bad = sent.findIndex((pair) => !isPair(pair));
  const pairs = bad < 0 ? sent : sent.slice(0, bad);
  const total = Number.isInteger(payload?.total) ? payload.total : pairs.length;
  return pairs.length ? { total: Math.max(total, pairs.length), pairs } : null;
}

/**
 * The first pairs as plain data, few enough to be saved with a workflow.
 * @param {Pairs} pairs
 */
export function keepable({ total, pairs }) {
  const kept = [];
  let faces = 0;
  for (const pair of pairs.slice(0, MOST_PAIRS_KEPT)) {
    faces += pair.faces.length;
    if (kept.length && faces > MOST_FACES_KEPT) break;
    kept.push(pair);
  }
  return { total, pairs: kept };
}

function isPair(pair) {
  return (
    isObject(pair) &&
    isReference(pair.before) &&
    isReference(pair.after) &&
    isSize(pair.before_size) &&
    isSize(pair.after_size) &&
    Array.isArray(pair.faces) &&
    pair.faces.every((face) => Number.isInteger(face?.number) && areNumbers(face.box, 4))
  );
}

function isSize(value) {
  return areNumbers(value, 2) && value.every((side) => side > 0);
}
