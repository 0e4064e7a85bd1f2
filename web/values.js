/**
 * The values of choices in the language of the front end: `balanced` is shown as 均衡. What is
 * saved and queued stays English. Older front ends (1.27) cannot do so, and show the values.
 *
 * @import { Widget } from "../../scripts/app.js"
 */

import { app } from "./shared/comfy.js";
import { loadText, valueLabel } from "./shared/text.js";

const PACK = "Panini";

/** @param {Widget} widget */
function translate(widget) {
  const { options } = widget;
  if (widget.type !== "combo" || options.getOptionLabel || !Array.isArray(options.values)) return;
  if (!options.values.some((value) => valueLabel(String(value)))) return;
  options.getOptionLabel = (value) => valueLabel(value ?? "") ?? value ?? "";
}

app.registerExtension({
  name: "Panini.Values",
  setup: loadText,
  nodeCreated(node) {
    if (node.comfyClass?.startsWith(PACK)) node.widgets?.forEach(translate);
  },
});
