/** Keeps previews of the work in progress off our nodes, if the setting says so. */

import { api, app, rootGraph, setting } from "./shared/comfy.js";

/** @import { Graph, GraphNode } from "../../scripts/app.js" */

const SHOWS_ITSELF = "PaniniRestoreImage"; // its result; a preview would stay below it

/**
 * The node of an execution id, which is a path through subgraphs such as 12:3.
 * @param {string | number} executionId
 */
function findNode(executionId) {
  /** @type {Graph | undefined} */
  let graph = rootGraph();
  /** @type {GraphNode | null} */
  let node = null;
  for (const id of String(executionId).split(":")) {
    node = graph?.getNodeById?.(id) ?? null;
    graph = node?.subgraph;
  }
  return node;
}

/**
 * Whether a preview belongs to one of our nodes, which does without, or nobody wants to see it.
 * @param {{displayNodeId?: string | number}} preview
 */
function isUnwanted({ displayNodeId: id }) {
  const { comfyClass } = (id !== undefined && findNode(id)) || {};
  if (comfyClass === SHOWS_ITSELF) return true;
  return setting("Panini.Previews") === false && Boolean(comfyClass?.startsWith("Panini"));
}

app.registerExtension({
  name: "Panini.Previews",
  setup() {
    // The front end listens before any extension can, and keeps what it hears: so the event is
    // not sent at all.
    const dispatch = api.dispatchCustomEvent;
    api.dispatchCustomEvent = function (type, detail) {
      if (type === "b_preview_with_metadata" && detail && isUnwanted(detail)) return true;
      return dispatch.call(this, type, detail);
    };
  },
});
