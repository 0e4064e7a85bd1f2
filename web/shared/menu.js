/**
 * Entries of a node's context menu, in front ends that do not ask extensions for them.
 *
 * @import { ComfyNode, GraphNode, MenuItem } from "../../../scripts/app.js"
 */

import { app } from "./comfy.js";
import { chain } from "./hooks.js";

/**
 * To be called when a node is created, beside an extension's `getNodeMenuItems`.
 * @param {ComfyNode} node
 * @param {(node: GraphNode) => MenuItem[]} createItems
 */
export function addMenuItems(node, createItems) {
  if (app.collectNodeMenuItems) return;
  chain(node, "getExtraMenuOptions", (_canvas, options) => {
    const items = createItems(node);
    if (items.length) options.push(null, ...items);
  });
}
