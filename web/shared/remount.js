/**
 * Nodes 2.0 keeps the element of a node's widget when undo makes the node anew under the same id:
 * the old element would stay in the page, and show the old node.
 *
 * @import { ComfyNode } from "../../../scripts/app.js"
 */

import { isVueRenderer } from "./comfy.js";
import { chain } from "./hooks.js";

/** @type {Map<string, WeakRef<HTMLElement>>} the latest element of every widget, by its place */
const latest = new Map();

/**
 * Puts a new node's element where the element of its predecessor still is.
 * @param {ComfyNode} node
 * @param {string} name of the widget
 * @param {HTMLElement} element
 */
export function succeed(node, name, element) {
  chain(node, "onAdded", () => setTimeout(takeOver));
  chain(node, "onConfigure", () => setTimeout(takeOver)); // with the id that it was saved with

  function takeOver() {
    if (!node.graph) return;
    const place = `${node.graph.id}:${node.id}:${name}`;
    const previous = latest.get(place)?.deref();
    latest.set(place, new WeakRef(element));
    const stale = previous && previous !== element && previous.isConnected && !element.isConnected;
    if (stale && isVueRenderer()) previous.replaceWith(element);
  }
}
