/**
 * The texts of the widgets that give single faces values of their own, such as `2: 0.5; 4-6: 0`,
 * read and written as the node reads them (`panini_core/stages/per_face.py`).
 */

import { parseRule, writeRule } from "./selection.js";

const DIGITS = 2; // of a value that is written

/**
 * The values by the faces' numbers; null for what the node would refuse.
 * @param {string} text
 * @returns {Map<number, number> | null}
 */
export function parsePerFace(text) {
  /** @type {Map<number, number>} */
  const values = new Map();
  for (const part of text.normalize("NFKC").split(";")) {
    if (!part.trim()) continue;
    const colon = part.lastIndexOf(":");
    const numbers = parseRule(part.slice(0, Math.max(colon, 0)));
    const value = readValue(part.slice(colon + 1));
    if (!(numbers instanceof Set) || value === null) return null;
    for (const number of numbers) {
      if (values.has(number)) return null;
      values.set(number, value);
    }
  }
  return values;
}

/**
 * The text after the value of one face was moved; null if it cannot be read.
 * @param {string} text
 * @param {number} number of the face
 * @param {number} by
 * @param {number} usual the value of all other faces
 */
export function movePerFace(text, number, by, usual) {
  const values = parsePerFace(text);
  if (!values) return null;
  const moved = (values.get(number) ?? usual) + by;
  const value = Number(Math.min(Math.max(moved, 0), 1).toFixed(DIGITS));
  if (value === usual) values.delete(number);
  else values.set(number, value);
  return writePerFace(values);
}

/** @param {Map<number, number>} values by the faces' numbers */
function writePerFace(values) {
  /** @type {Map<number, Set<number>>} */
  const faces = new Map();
  for (const [number, value] of [...values].sort(([a], [b]) => a - b)) {
    faces.set(value, (faces.get(value) ?? new Set()).add(number));
  }
  return [...faces].map(([value, numbers]) => `${writeRule(numbers, -1)}: ${value}`).join("; ");
}

/** @param {string} text */
function readValue(text) {
  const value = Number(text);
  return text.trim() && value >= 0 && value <= 1 ? value : null;
}
