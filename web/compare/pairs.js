/**
 * The pairs of pictures that Compare Images sends.
 *
 * @import { FileReference } from "../shared/payload.js"
 *
 * @typedef {[width: number, height: number]} Size px
 *
 * @typedef {Object} Pair
 * @property {FileReference} before
 * @property {FileReference} after
 * @property {Size} before_size
 * @property {Size} after_size
 * @property {number} place among all that there are
 * @property {{number: number, box: [number, number, number, number]}[]} faces boxes in px of before
 *
 * @typedef {Object} Pairs
 * @property {number} total of the batch, or of all batches of a list; not all of them may be here
 * @property {Pair[]} pairs the first ones of each batch
 */

import { areNumbers, isObject, isReference, readPlace } from "../shared/payload.js";

const MOST_PAIRS_KEPT = 16;
const MOST_FACES_KEPT = 240;

/**
 * The pairs of a payload, or null if there is none that can be shown.
 * @param {unknown} payload
 * @returns {Pairs | null}
 */
export function readPairs(payload) {
  if (!isObject(payload) || !Array.isArray(payload.pairs)) return null;
  /** @type {unknown[]} */
  const sent = payload.pairs;
  const bad = sent.findIndex((pair) => !isPair(pair));
  const good = /** @type {Pair[]} */ (bad < 0 ? sent : sent.slice(0, bad));
  const pairs = good.map((pair, index) => ({ ...pair, place: readPlace(pair.place, index) }));
  const total = Number.isInteger(payload.total) ? payload.total : pairs.length;
  return pairs.length ? { total: Math.max(total, pairs.length), pairs } : null;
}

/**
 * The pairs of several batches one after the other.
 * @param {Pairs[]} batches
 * @returns {Pairs}
 */
export function mergePairs(batches) {
  let total = 0;
  const pairs = batches.flatMap((batch) => {
    const start = total;
    total += batch.total;
    return batch.pairs.map((pair) => ({ ...pair, place: start + pair.place }));
  });
  return { total, pairs };
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

/**
 * What a picture is called when it is saved.
 * @param {"before" | "after"} side
 * @param {number} place of its pair
 * @param {FileReference} reference
 */
export function nameFile(side, place, { filename }) {
  return `${side}_${place + 1}${/\.\w+$/.exec(filename)?.[0] ?? ""}`;
}

/**
 * @param {unknown} pair
 * @returns {pair is Pair}
 */
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

/** @param {unknown} value */
function isSize(value) {
  return areNumbers(value, 2) && value.every((side) => side > 0);
}
