/**
 * The frames that the nodes send to the face board.
 *
 * @import { FileReference } from "../shared/payload.js"
 *
 * @typedef {Object} Face
 * @property {number} number
 * @property {[number, number, number, number]} box x0, y0, x1, y1 in px of the frame
 * @property {number | null} score 0..1; null also where the face was filled in
 * @property {number | null} size px
 * @property {number | null} severity how degraded, 0..1
 * @property {number | null} area px², and
 * @property {number | null} fromMiddle px: what `largest` and `centre` go by, in a clip the means
 *   over all frames; null: as the box says
 * @property {boolean} filled in a clip: not seen here, but put between two frames
 * @property {boolean} leftAlone whatever is selected, since no landmarks fit
 * @property {boolean} selected whether the run kept it
 *
 * @typedef {Object} Frame
 * @property {FileReference} image may be smaller than the frame
 * @property {number} width px
 * @property {number} height px
 * @property {number} place among all that there are
 * @property {Face[]} faces by their numbers
 * @property {Missed[]} missed the faces of a clip that this frame misses for a moment
 *
 * @typedef {Pick<Face, "number" | "area" | "fromMiddle">} Missed
 *
 * @typedef {Object} Frames
 * @property {number} total of the batch, or of all batches of a list; not all of them may be here
 * @property {string | null} sort the order that the numbers come from; null if there is no choice
 *   of it, if it was not sent, or if it differs from batch to batch
 * @property {Frame[]} frames the first ones of each batch
 *
 * @typedef {Object} Place of a face on its frame, in percent for CSS
 * @property {number} left
 * @property {number} top
 * @property {number} width
 * @property {number} height
 * @property {number} order a larger one lies over a smaller one
 *
 * @typedef {Pick<Face, "number" | "box"> & Record<string, unknown>} SentFace as the nodes send it
 * @typedef {Omit<Frame, "faces" | "missed" | "place"> &
 *   {faces: SentFace[], missed?: unknown, place?: unknown}} SentFrame a place only where it was kept
 */

import { areNumbers, isObject, isReference, readPlace } from "../shared/payload.js";
import { LAST_NUMBER } from "./selection.js";

const MOST_FRAMES_KEPT = 8;
const MOST_FACES_KEPT = 240;

/**
 * The frames of a payload, or null if there is none that can be shown.
 * @param {unknown} payload
 * @returns {Frames | null}
 */
export function readFrames(payload) {
  if (!isObject(payload) || !Array.isArray(payload.frames)) return null;
  /** @type {unknown[]} */
  const sent = payload.frames;
  const bad = sent.findIndex((frame) => !isFrame(frame));
  const good = /** @type {SentFrame[]} */ (bad < 0 ? sent : sent.slice(0, bad));
  const frames = good.map(readFrame);
  const total = Number.isInteger(payload.total_frames) ? payload.total_frames : frames.length;
  const sort = typeof payload.sort === "string" ? payload.sort : null;
  return frames.length ? { total: Math.max(total, frames.length), sort, frames } : null;
}

/**
 * The frames of several batches one after the other.
 * @param {Frames[]} batches
 * @returns {Frames}
 */
export function mergeFrames(batches) {
  let total = 0;
  const frames = batches.flatMap((batch) => {
    const start = total;
    total += batch.total;
    return batch.frames.map((frame) => ({ ...frame, place: start + frame.place }));
  });
  const [{ sort }] = batches;
  return { total, sort: batches.every((batch) => batch.sort === sort) ? sort : null, frames };
}

/**
 * The first frames as plain data, few enough to be saved with a workflow.
 * @param {Frames} frames
 */
export function keepable({ total, sort, frames }) {
  const kept = [];
  let faces = 0;
  for (const frame of frames.slice(0, MOST_FRAMES_KEPT)) {
    faces += frame.faces.length;
    if (kept.length && faces > MOST_FACES_KEPT) break;
    kept.push({
      ...frame,
      faces: frame.faces.map(writeFace),
      missed: frame.missed.map(writeMissed),
    });
  }
  return { total_frames: total, sort, frames: kept };
}

/**
 * The largest number that a face may have in any frame, -1 if there are no faces; frames that are
 * not here may hold any number.
 * @param {Frames} frames
 */
export function lastNumber({ total, frames }) {
  if (frames.length < total) return LAST_NUMBER;
  return Math.max(-1, ...frames.flatMap(({ faces }) => faces.map(({ number }) => number)));
}

/**
 * Where a box lies on its frame, in percent for CSS, and over which others: small over large.
 * @param {Frame} frame
 * @returns {Place[]} by face
 */
export function placeBoxes({ width, height, faces }) {
  const areas = faces.map(({ box: [x0, y0, x1, y1] }) => (x1 - x0) * (y1 - y0));
  return faces.map(({ box }, index) => {
    const [x0, x1] = [box[0], box[2]].map((x) => clamp(x / width) * 100);
    const [y0, y1] = [box[1], box[3]].map((y) => clamp(y / height) * 100);
    const order = 1 + areas.filter((other) => other > areas[index]).length;
    return { left: x0, top: y0, width: x1 - x0, height: y1 - y0, order };
  });
}

/**
 * @param {unknown} frame
 * @returns {frame is SentFrame}
 */
function isFrame(frame) {
  return (
    isObject(frame) &&
    isReference(frame.image) &&
    frame.width > 0 &&
    frame.height > 0 &&
    Array.isArray(frame.faces) &&
    frame.faces.every((face) => Number.isInteger(face?.number) && areNumbers(face.box, 4))
  );
}

/**
 * @param {SentFrame} frame
 * @param {number} index
 * @returns {Frame}
 */
function readFrame({ image, width, height, place, faces, missed }, index) {
  return {
    image: { filename: image.filename, subfolder: image.subfolder, type: image.type },
    width,
    height,
    place: readPlace(place, index),
    faces: faces.map(({ number, box, ...values }) => ({
      number,
      box,
      score: numberOrNull(values.score),
      size: numberOrNull(values.size),
      severity: numberOrNull(values.severity),
      area: numberOrNull(values.area),
      fromMiddle: numberOrNull(values.from_middle),
      filled: values.filled === true,
      leftAlone: values.reliable === false,
      selected: values.selected !== false,
    })),
    missed: Array.isArray(missed) ? missed.filter(isMissed).map(readMissed) : [],
  };
}

/** @param {unknown} value */
function isMissed(value) {
  return isObject(value) && Number.isInteger(value.number);
}

/**
 * @param {Record<string, unknown>} sent
 * @returns {Missed}
 */
function readMissed(sent) {
  return {
    number: Number(sent.number),
    area: numberOrNull(sent.area),
    fromMiddle: numberOrNull(sent.from_middle),
  };
}

/** @param {Missed} face */
function writeMissed({ number, area, fromMiddle }) {
  return { number, area, from_middle: fromMiddle };
}

/**
 * A face as the nodes send it, without what only faces of clips, or those that are left alone,
 * have.
 * @param {Face} face
 */
function writeFace({ area, fromMiddle, filled, leftAlone, ...face }) {
  return {
    ...face,
    ...(area !== null && { area }),
    ...(fromMiddle !== null && { from_middle: fromMiddle }),
    ...(filled && { filled }),
    ...(leftAlone && { reliable: false }),
  };
}

/** @param {unknown} value */
function numberOrNull(value) {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** @param {number} share */
function clamp(share) {
  return Math.min(Math.max(share, 0), 1);
}
