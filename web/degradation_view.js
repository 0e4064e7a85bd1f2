/** The degradation view: where the faces lie among known degradations, on PaniniExtractDegradation. */

import { LEAST_HEIGHT, LEAST_WIDTH, createView } from "./degradation_view/view.js";
import { app } from "./shared/comfy.js";
import { chain } from "./shared/hooks.js";
import { latestPayload } from "./shared/outputs.js";
import { areNumbers, isObject, readPayload } from "./shared/payload.js";
import { loadText } from "./shared/text.js";
import { addPanel } from "./shared/widget.js";

const NODE = "PaniniExtractDegradation";
const OUTPUT = "panini_degradation";

/** Puts the view into a new node. */
function attach(node) {
  const view = createView();
  const draw = (payload) => view.draw(payload && readReport(payload));
  addPanel(node, {
    ...{ name: "degradation", element: view.element },
    ...{ minHeight: () => LEAST_HEIGHT, minWidth: () => LEAST_WIDTH },
  });
  // The outputs of a workflow come back after its nodes.
  chain(node, "onConfigure", () => setTimeout(() => draw(latestPayload(node, OUTPUT))));
  chain(node, "onExecuted", (output) => draw(readPayload(output, OUTPUT)));
  draw(null);
}

/**
 * What can be drawn of a payload.
 * @param {Record<string, any>} payload
 * @returns {import("./degradation_view/view.js").Report}
 */
function readReport({ atlas, faces, count }) {
  const reported = Array.isArray(faces) ? faces.filter(isObject).map(readFace) : [];
  const drawable = isObject(atlas) && Array.isArray(atlas.labels) && Array.isArray(atlas.points);
  return {
    atlas: drawable
      ? {
          labels: atlas.labels.map(String),
          points: atlas.points.filter((point) => areNumbers(point, 3)),
        }
      : null,
    faces: reported,
    count: Number.isFinite(count) ? count : reported.length,
  };
}

/** @returns {import("./degradation_view/map.js").FaceReport} */
function readFace({ number, position, severity, nearest, text }) {
  return {
    number: Number(number) || 0,
    position: areNumbers(position, 2) ? position : null,
    severity: Number.isFinite(severity) ? Math.min(Math.max(severity, 0), 1) : null,
    nearest: Array.isArray(nearest) ? nearest.filter((pair) => Number.isFinite(pair?.[1])) : [],
    text: String(text ?? ""),
  };
}

app.registerExtension({
  name: "Panini.DegradationView",
  setup: loadText,
  nodeCreated(node) {
    if (node.comfyClass === NODE) attach(node);
  },
});
