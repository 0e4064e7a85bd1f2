/** The degradation view as an element: the map of known degradations, and a list of the faces. */

import { create, createSvg } from "../shared/dom.js";
import { linkStyle } from "../shared/style.js";
import { text } from "../shared/text.js";
import { SIDE, classColour, classPaths, placeBadges, severityColour } from "./map.js";

/** px of the graph: what the view needs. */
export const LEAST_WIDTH = 420;
export const LEAST_HEIGHT = 190;

const BADGE_RADIUS = 3.6;

/**
 * @typedef {import("./map.js").FaceReport} FaceReport
 * @typedef {import("./report.js").Report} Report
 */

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
    draw(report) {
      const hint = tellNothing(report);
      if (hint) element.replaceChildren(create("div", { class: "panini-hint", text: hint }));
      else element.replaceChildren(createMap(report), createList(report));
    },
  };
}

/** Why there is nothing to show; empty if there is. */
function tellNothing(report) {
  if (!report) return text("degradation.run_first", "Run to see how the faces are degraded.");
  if (!report.count) return text("degradation.no_face", "There was no face.");
  if (report.atlas && report.faces.length) return "";
  return text(
    "degradation.no_atlas",
    "This model has no atlas of known degradations to compare with. Faces: {count}",
    { count: report.count },
  );
}

function createMap({ atlas, faces }) {
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

function createBadge(face, { x, y }) {
  return createSvg(
    "g",
    { class: "panini-degradation-badge", "data-face": face.number },
    createSvg("title", { text: nameFace(face) }),
    createSvg("circle", { cx: x, cy: y, r: BADGE_RADIUS }),
    createSvg("text", { x, y, text: String(face.number) }),
  );
}

function createList({ atlas, faces, count }) {
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
  for (const [type, lit] of [
    ["pointerenter", true],
    ["pointerleave", false],
  ]) {
    item.addEventListener(type, () => light(item, face, lit));
  }
  item.addEventListener("focus", () => light(item, face, true));
  item.addEventListener("blur", () => light(item, face, false));
  return item;
}

/** That there were more faces than are listed; null if there were not. */
function tellMore({ length }, count) {
  if (length >= count) return null;
  const values = { shown: length, count };
  const words = text("degradation.first_only", "The first {shown} of {count} faces.", values);
  return create("li", { class: "panini-faint", text: words });
}

/** Points out a face of the list on the map. */
function light(item, face, lit) {
  const view = item.closest(".panini-degradation");
  const badge = view?.querySelector(`[data-face="${face.number}"]`);
  badge?.classList.toggle("panini-degradation-lit", lit);
  if (lit) badge?.parentNode.append(badge); // above the others
}

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

function nameFace(face) {
  return text("degradation.face", "Face {number}", { number: face.number });
}

function tellNearest({ nearest }) {
  return nearest.map(([name, share]) => `${name} ${Math.round(100 * share)} %`).join(", ");
}
