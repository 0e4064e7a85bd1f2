/** What the nodes showed last, which the front end keeps while nodes are made anew (as by undo). */

import { app } from "./comfy.js";
import { readPayload } from "./payload.js";

/**
 * The payload of a node's latest run, or null; it is gone once the page is loaded again.
 * @param {any} node
 * @param {string} key such as panini_alpha
 * @returns {any}
 */
export function latestPayload(node, key) {
  const graph = node.graph;
  const root = !graph || graph === (app.rootGraph ?? app.graph);
  return readPayload(app.nodeOutputs?.[root ? `${node.id}` : `${graph.id}:${node.id}`], key);
}
