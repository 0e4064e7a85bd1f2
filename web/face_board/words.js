/**
 * What the face board says.
 *
 * @import { Face } from "./frames.js"
 * @import { Verdict } from "./selection.js"
 */

import { text } from "../shared/text.js";

/**
 * So many faces.
 * @param {number} count
 */
export function countFaces(count) {
  if (count === 1) return text("face_board.one", "1 face");
  return text("face_board.count", "{count} faces", { count });
}

/**
 * A face in one line: its number, whether it was filled in, score, size and severity, as far as
 * they are known, and whether it is left alone.
 * @param {Face} face
 * @param {string} verdict
 * @param {string} [own] values that it has of its own
 */
export function describeFace(face, verdict, own = "") {
  const { number, score, size, severity, filled, leftAlone } = face;
  const values = [
    filled ? text("face_board.filled", "filled in between frames") : "",
    score === null ? "" : text("face_board.score", "score {score}", { score: score.toFixed(2) }),
    size === null ? "" : text("face_board.size", "{size} px", { size: Math.round(size) }),
    severity === null
      ? ""
      : text("face_board.severity", "degraded {percent} %", {
          percent: Math.round(severity * 100),
        }),
    leftAlone ? text("face_board.left_alone", "left alone: no landmarks fit") : "",
    own,
    verdict,
  ];
  const name = text("face_board.face", "Face {number}", { number });
  return [name, ...values.filter(Boolean)].join(" · ");
}

/**
 * The values that a face has of its own.
 * @param {number | undefined} strength
 * @param {number | undefined} fidelity
 */
export function nameValues(strength, fidelity) {
  const values = [
    strength === undefined
      ? ""
      : text("face_board.strength", "strength {value}", { value: strength.toFixed(2) }),
    fidelity === undefined
      ? ""
      : text("face_board.fidelity", "fidelity {value}", { value: fidelity.toFixed(2) }),
  ];
  return values.filter(Boolean).join(" · ");
}

/**
 * What becomes of a face.
 * @param {Verdict | undefined} verdict
 */
export function nameVerdict(verdict) {
  if (verdict === "kept") return text("face_board.kept", "selected");
  if (verdict === "over the limit") {
    return text("face_board.over_the_limit", "left out by max_faces");
  }
  if (verdict === "left alone") return ""; // the face's own line says so
  return text("face_board.left_out", "not selected");
}
