/** Keeps previews of the work in progress off our nodes, if the setting says so. */

import { api, app, setting } from "./shared/comfy.js";

/** The node of an execution id, which is a path through subgraphs such as 12:3. */
function findNode(executionId) {
  let graph = app.rootGraph ?? app.graph;
  let node = null;
  for (const id of String(executionId).split(":")) {
    node = graph?.getNodeById?.(id) ?? null;
    graph = node?.subgraph;
  }
  return node;
}

/** Takes a preview away from the front end's own listener. */
function withhold(event) {
  if (setting("Panini.Previews") !== false) return;
  const id = event.detail?.displayNodeId;
  if (id === undefined || !findNode(id)?.comfyClass?.startsWith("Panini")) return;
  event.stopImmediatePropagation();
}

app.registerExtension({
  name: "Panini.Previews",
  setup() {
    // Capturing listeners come first, though the front end's own was there before.
    api.addEventListener("b_preview_with_metadata", withhold, { capture: true });
  },
});
