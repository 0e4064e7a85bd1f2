/**
 * A wire that is dropped onto empty canvas makes a node, and is connected to its first input that
 * takes it: `before`.
 *
 * @import { ComfyNode, GraphNode } from "../../../scripts/app.js"
 */

import { changeGraph } from "../shared/comfy.js";
import { chain } from "../shared/hooks.js";

/**
 * Lets a node that such a wire makes compare what comes over the wire with what was made into it:
 * where the wire comes from a node that changes an image, that image is the one before.
 * @param {ComfyNode} node Compare Images, just created
 */
export function completeDropped(node) {
  let isLoaded = false; // or pasted: its links come later, and are complete
  chain(node, "onConfigure", () => {
    isLoaded = true;
  });
  chain(node, "onAdded", () => {
    setTimeout(() => {
      if (!isLoaded) complete(node);
    });
  });
}

/** @param {GraphNode} node */
function complete(node) {
  if (!node.graph) return;
  const [before, after] = ["before", "after"].map((name) => findInput(node, name));
  const changed = sourceOf(node, before);
  if (!changed || node.isInputConnected(after)) return;
  const name = changed.node.outputs[changed.slot]?.name.toLowerCase();
  const origin = sourceOf(changed.node, findInput(changed.node, name));
  if (!origin) return;
  changeGraph(() => {
    changed.node.connect(changed.slot, node, after);
    origin.node.connect(origin.slot, node, before);
  });
}

/**
 * The place of an input of images, or -1.
 * @param {GraphNode} node
 * @param {string} name
 */
function findInput(node, name) {
  return node.inputs.findIndex((input) => input.name === name && input.type === "IMAGE");
}

/**
 * Where the link of an input comes from; null if there is none.
 * @param {GraphNode} node
 * @param {number} slot
 */
function sourceOf(node, slot) {
  const link = slot < 0 ? null : node.getInputLink(slot);
  const source = link && node.graph?.getNodeById(link.origin_id);
  return source ? { node: source, slot: link.origin_slot } : null;
}
