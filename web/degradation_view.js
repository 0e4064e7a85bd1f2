/**
 * The degradation view: where the faces lie among known degradations, on PaniniExtractDegradation.
 *
 * @import { ComfyNode } from "../../scripts/app.js"
 * @import { Report } from "./degradation_view/report.js"
 */

import { keepable, mergeReports, readReport } from "./degradation_view/report.js";
import { LEAST_HEIGHT, LEAST_WIDTH, createView } from "./degradation_view/view.js";
import { app } from "./shared/comfy.js";
import { LatestRun } from "./shared/latest_run.js";
import { loadText } from "./shared/text.js";
import { addPanel } from "./shared/widget.js";

const NODE = "PaniniExtractDegradation";

/**
 * Puts the view into a new node.
 * @param {ComfyNode} node
 */
function attach(node) {
  const view = createView();
  addPanel(node, {
    name: "degradation",
    element: view.element,
    minHeight: () => LEAST_HEIGHT,
    minWidth: () => LEAST_WIDTH,
  });
  const draw = () => view.draw(run.content);
  /** @type {LatestRun<Report>} */
  const run = new LatestRun(node, {
    output: "panini_degradation",
    kept: "panini_degradation",
    read: readReport,
    merge: mergeReports,
    keepable,
    onChange: draw,
  });
  draw();
}

app.registerExtension({
  name: "Panini.DegradationView",
  setup: loadText,
  nodeCreated(node) {
    if (node.comfyClass === NODE) attach(node);
  },
});
