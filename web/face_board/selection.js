/**
 * The text of the selection widget, read and written as the node reads it
 * (`panini_core/stages/selection.py`).
 *
 * @import { Face, Frame, Missed } from "./frames.js"
 *
 * @typedef {Face | Missed} Candidate
 * @typedef {"kept" | "left out" | "over the limit" | "left alone"} Verdict of a face
 */

export const LAST_NUMBER = 9999; // of the node
const NAMED_RULES = ["all", "largest", "centre", "none"];
const OTHER_SPELLINGS = new Map([["center", "centre"]]);
const NUMBERS = /^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$/;

/**
 * A name as it is, numbers as a set, null for what the node would refuse. Full-width signs, as
 * keyboards for Chinese and Japanese type them, are read as well.
 * @param {string} rule
 * @returns {string | Set<number> | null}
 */
export function parseRule(rule) {
  const typed = rule
    .normalize("NFKC")
    .replace(/\u3001/g, ",")
    .replace(/\u2013/g, "-");
  const word = typed.trim().toLowerCase();
  const name = OTHER_SPELLINGS.get(word) ?? word;
  if (NAMED_RULES.includes(name)) return name;
  const numbers = new Set();
  for (const part of typed.split(",")) {
    const match = NUMBERS.exec(part);
    if (!match) return null;
    const first = Number(match[1]);
    const last = Number(match[2] ?? first);
    if (first > last || last > LAST_NUMBER) return null;
    for (let number = first; number <= last; number += 1) numbers.add(number);
  }
  return numbers;
}

/**
 * The numbers of a frame's faces that a text names; none if it cannot be read, and none of those
 * that are left alone. In a clip the faces that the frame misses for a moment count, so that
 * nobody takes their places.
 * @param {string} rule
 * @param {Frame} frame
 * @returns {Set<number>}
 */
export function namedFaces(rule, frame) {
  const parsed = parseRule(rule);
  const faces = candidates(frame);
  if (parsed instanceof Set) return numbersOf(faces.filter(({ number }) => parsed.has(number)));
  if (parsed === "all") return numbersOf(faces);
  if (parsed === "largest") return numbersOf(smallestFirst(faces, (face) => -area(face)));
  if (parsed === "centre") {
    return numbersOf(smallestFirst(faces, (face) => fromMiddle(face, frame)));
  }
  return new Set();
}

/**
 * What the node makes of each face of a frame: it keeps the first `most` of those that are named.
 * @param {string} rule
 * @param {Frame} frame
 * @param {number} most 0: no limit
 * @returns {Map<number, Verdict>} by number
 */
export function judgeFaces(rule, frame, most = 0) {
  const named = namedFaces(rule, frame);
  const kept = numbersOf(
    candidates(frame)
      .filter(({ number }) => named.has(number))
      .slice(0, most || undefined),
  );
  /** @returns {Verdict} */
  const judge = (/** @type {Face} */ { number, leftAlone }) => {
    if (leftAlone) return "left alone";
    if (kept.has(number)) return "kept";
    return named.has(number) ? "over the limit" : "left out";
  };
  return new Map(frame.faces.map((face) => [face.number, judge(face)]));
}

/**
 * What may be chosen in a frame, in a clip by number.
 * @param {Frame} frame
 * @returns {Candidate[]}
 */
function candidates({ faces, missed }) {
  const own = faces.filter(({ leftAlone }) => !leftAlone);
  if (!missed.length) return own;
  return [...own, ...missed].sort((a, b) => a.number - b.number);
}

/**
 * What the run made of each face of a frame, where its selection is not known here.
 * @param {Frame} frame
 * @returns {Map<number, Verdict>} by number
 */
export function recallVerdicts({ faces }) {
  /** @returns {Verdict} */
  const recall = (/** @type {Face} */ { leftAlone, selected }) => {
    if (leftAlone) return "left alone";
    return selected ? "kept" : "left out";
  };
  return new Map(faces.map((face) => [face.number, recall(face)]));
}

/**
 * The text after a click on a face: named before, left out now, or the other way round.
 * @param {string} rule
 * @param {number} number of the face
 * @param {Frame} frame that was clicked
 * @param {number} last the largest number of any frame
 */
export function toggleFace(rule, number, frame, last) {
  const parsed = parseRule(rule);
  const numbers =
    parsed instanceof Set
      ? new Set(parsed)
      : parsed === "all"
        ? new Set(upTo(last))
        : namedFaces(rule, frame);
  if (!numbers.delete(number)) numbers.add(number);
  return writeRule(numbers, last);
}

/**
 * The text for a set of numbers, as short as can be.
 * @param {Set<number>} numbers
 * @param {number} last the largest number of any frame
 */
export function writeRule(numbers, last) {
  if (numbers.size === 0) return "none";
  if (last >= 0 && upTo(last).every((number) => numbers.has(number))) return "all";
  /** @type {[number, number][]} */
  const runs = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run && number === run[1] + 1) run[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([first, end]) => writeRun(first, end)).join(",");
}

/**
 * @param {number} first
 * @param {number} end the last one
 */
function writeRun(first, end) {
  if (first === end) return String(first);
  return end === first + 1 ? `${first},${end}` : `${first}-${end}`;
}

/** @param {number} last */
function upTo(last) {
  return Array.from({ length: last + 1 }, (_, number) => number);
}

/** @param {Candidate[]} faces */
function numbersOf(faces) {
  return new Set(faces.map(({ number }) => number));
}

/**
 * The first face with the smallest value, as a list; none of none.
 * @param {Candidate[]} faces
 * @param {(face: Candidate) => number} value
 */
function smallestFirst(faces, value) {
  if (!faces.length) return [];
  return [faces.reduce((a, b) => (value(a) <= value(b) ? a : b))];
}

/** @param {Candidate} face */
function area(face) {
  if (!("box" in face)) return face.area ?? 0;
  const [x0, y0, x1, y1] = face.box;
  return face.area ?? (x1 - x0) * (y1 - y0);
}

/**
 * @param {Candidate} face
 * @param {Frame} frame
 */
function fromMiddle(face, { width, height }) {
  if (!("box" in face)) return face.fromMiddle ?? Infinity;
  const [x0, y0, x1, y1] = face.box;
  return face.fromMiddle ?? Math.hypot((x0 + x1 - width) / 2, (y0 + y1 - height) / 2);
}
