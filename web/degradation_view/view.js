/**
 * The degradation view as an element: the map of known degradations, and a list of the faces.
 *
 * @import { Atlas, FaceReport } from "./map.js"
 * @import { Report } from "./report.js"
 */

import { create, createSvg } from "../shared/dom.js";
import { linkStyle } from "../shared/style.js";
import { text } from "../shared/text.js";
import { SIDE, classColour, classPaths, placeBadges, severityColour } from "./map.js";

/** px of the graph: what the view needs. */
export const LEAST_WIDTH = 420;
export const LEAST_HEIGHT = 190;

const BADGE_RADIUS = 3.6;

/** @returns {{element: HTMLElement, draw: (report: Report | null) => void}} */
export function createView() {
  linkStyle("degradation_view/degradation_view.css");
  const element = create("div", {
    class: "panini-degradation",
    role: "group",
    "aria-label": text("degradation.view", "How the faces are degraded"),
  });
  return {
    element,
    draw: (report) => element.replaceChildren(...createParts(report)),
  };
}

/**
 * The map and the list, or why there is nothing to show.
 * @param {Report | null} report
 */
function createParts(report) {
  if (!report) {
    return [createHint(text("degradation.run_first", "Run to see how the faces are degraded."))];
  }
  const { atlas, faces, count } = report;
  if (!count) return [createHint(text("degradation.no_face", "There was no face."))];
  if (atlas && faces.length) return [createMap(atlas, faces), createList(atlas, faces, count)];
  const words = text(
    "degradation.no_atlas",
    "This model has no atlas of known degradations to compare with. Faces: {count}",
    { count },
  );
  return [createHint(words)];
}

/** @param {string} words */
function createHint(words) {
  return create("div", { class: "panini-hint", text: words });
}

/**
 * @param {Atlas} atlas
 * @param {FaceReport[]} faces
 */
function createMap(atlas, faces) {
  const dots = classPaths(atlas).map((d, label) =>
    createSvg("path", { class: "panini-degradation-dots", d, stroke: classColour(label) }),
  );
  const badges = placeBadges(faces).map(
    (place, index) => place && createBadge(faces[index], place),
  );
  return create(
    "div",
    { class: "panini-degradation-map" },
    createSvg(
      "svg",
      {
        viewBox: `0 0 ${SIDE} ${SIDE}`,
        role: "img",
        "aria-label": text("degradation.map", "Map of known degradations with the faces on it"),
      },
      ...dots,
      ...badges.reverse(), // the first face on top
    ),
  );
}

/**
 * @param {FaceReport} face
 * @param {{x: number, y: number}} place on the map
 */
function createBadge(face, { x, y }) {
  return createSvg(
    "g",
    { class: "panini-degradation-badge", "data-face": face.number },
    createSvg("title", { text: nameFace(face) }),
    createSvg("circle", { cx: x, cy: y, r: BADGE_RADIUS }),
    createSvg("text", { x, y, text: String(face.number) }),
  );
}

/**
 * @param {Atlas} atlas
 * @param {FaceReport[]} faces
 * @param {number} count of all faces
 */
function createList(atlas, faces, count) {
  const items = faces.map((face) => createItem(face));
  const list = create(
    "ol",
    { class: "panini-degradation-faces" },
    ...items,
    tellMore(faces, count),
  );
  const legend = create(
    "ul",
    {
      class: "panini-degradation-legend",
      "aria-label": text("degradation.legend", "Known degradations"),
    },
    ...atlas.labels.map((name, label) =>
      create("li", { text: name, style: { "--panini-key": classColour(label) } }),
    ),
  );
  return create("div", { class: "panini-degradation-side" }, legend, list);
}

/** @param {FaceReport} face */
function createItem(face) {
  const item = create(
    "li",
    { tabindex: "0", title: tellNearest(face) },
    create("span", { class: "panini-unseen", text: nameFace(face) }),
    create("span", {
      class: "panini-degradation-number",
      text: String(face.number),
      "aria-hidden": "true",
    }),
    create("span", { class: "panini-grow", text: face.text }),
    face.severity === null ? null : createBar(face.severity),
  );
  for (const type of ["pointerenter", "focus"]) {
    item.addEventListener(type, () => light(item, face, true));
  }
  for (const type of ["pointerleave", "blur"]) {
    item.addEventListener(type, () => light(item, face, false));
  }
  return item;
}

/**
 * That there were more faces than are listed; null if there were not.
 * @param {FaceReport[]} faces
 * @param {number} count of all faces
 */
function tellMore({ length }, count) {
  if (length >= count) return null;
  const values = { shown: length, count };
  const words = text("degradation.first_only", "The first {shown} of {count} faces.", values);
  return create("li", { class: "panini-faint", text: words });
}

/**
 * Points out a face of the list on the map.
 * @param {HTMLElement} item of the list
 * @param {FaceReport} face
 * @param {boolean} lit
 */
function light(item, face, lit) {
  const view = item.closest(".panini-degradation");
  const badge = view?.querySelector(`[data-face="${face.number}"]`);
  badge?.classList.toggle("panini-degradation-lit", lit);
  if (lit) badge?.parentNode?.append(badge); // above the others
}

/** @param {number} severity in 0..1 */
function createBar(severity) {
  return create(
    "div",
    {
      class: "panini-degradation-severity",
      role: "meter",
      "aria-label": text("degradation.severity", "Severity"),
      "aria-valuemin": "0",
      "aria-valuemax": "1",
      "aria-valuenow": severity.toFixed(2),
    },
    create("div", {
      style: { width: `${100 * severity}%`, background: severityColour(severity) },
    }),
  );
}

/** @param {FaceReport} face */
function nameFace(face) {
  return text("degradation.face", "Face {number}", { number: face.number });
}

/** @param {FaceReport} face */
function tellNearest({ nearest }) {
  return nearest.map(([name, share]) => `${name} ${Math.round(100 * share)} %`).join(", ");
}
