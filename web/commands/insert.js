/**
 * Inserts a chain of nodes behind a node that gives an image.
 *
 * @import { Graph, GraphNode } from "../../../scripts/app.js"
 * @import { End, Plan, Point, Size } from "./chain.js"
 */

import { app, changeGraph } from "../shared/comfy.js";
import { findWidget } from "../shared/hooks.js";
import { arrange, boxOf, splitEnd, wayDown, withTitle } from "./chain.js";

const GAP = 90; // px of the canvas, to the node that gives the image
const PREVIEW = 230; // px, that a node grows by for a picture

/**
 * Whether something in a graph is a node with an image output.
 * @param {object} item
 * @returns {item is GraphNode}
 */
export function givesImage(item) {
  return findImageOutput(/** @type {GraphNode} */ (item)) >= 0;
}

/**
 * Adds the nodes to the right of the source, connected and selected, in one step of undo.
 * @param {GraphNode} source has an image output
 * @param {Plan} plan
 */
export function insertChain(source, plan) {
  const { graph } = source;
  if (!graph) return; // removed meanwhile
  changeGraph(() => {
    const nodes = addNodes(graph, plan);
    place(nodes, source, graph.nodes, plan);
    for (const [from, to] of plan.links) connect(nodes, source, splitEnd(from), splitEnd(to));
    app.canvas.deselectAll?.();
    app.canvas.selectItems?.(Object.values(nodes));
  });
  graph.setDirtyCanvas?.(true, true);
}

/**
 * @param {Graph} graph
 * @param {Plan} plan
 * @returns {Record<string, GraphNode>} the new nodes, by their names in the plan
 */
function addNodes(graph, { types, values }) {
  /** @type {[name: string, node: GraphNode][]} */
  const nodes = Object.entries(types).map(([name, type]) => {
    const node = globalThis.LiteGraph.createNode(type);
    if (!node) throw new Error(`ComfyUI does not know the node ${type}: reload the page.`);
    for (const [key, value] of Object.entries(values[name] ?? {})) {
      const widget = findWidget(node, key);
      if (widget) widget.value = value;
    }
    return [name, node];
  });
  for (const [, node] of nodes) graph.add(node);
  return Object.fromEntries(nodes);
}

/**
 * @param {Record<string, GraphNode>} nodes the new ones
 * @param {GraphNode} source
 * @param {GraphNode[]} all in the graph
 * @param {Plan} plan
 */
function place(nodes, source, all, { columns, previews }) {
  /** @type {Record<string, Size>} */
  const sizes = Object.fromEntries(
    Object.entries(nodes).map(([name, node]) => {
      const growth = previews.includes(name) ? PREVIEW : 0;
      const height = Math.max(node.size[1], node.computeSize()[1]); // Nodes 2.0 measures later
      return [name, [node.size[0], height + growth]];
    }),
  );
  /** @type {Point} */
  const origin = [source.pos[0] + source.size[0] + GAP, source.pos[1]];
  const { positions, box } = arrange(columns, sizes, origin);
  const own = new Set(Object.values(nodes));
  const others = all.filter((node) => !own.has(node)).map(boxOf);
  const down = wayDown(withTitle(box), others);
  for (const [name, node] of Object.entries(nodes)) {
    node.pos = [positions[name][0], positions[name][1] + down];
  }
}

/**
 * @param {Record<string, GraphNode>} nodes
 * @param {GraphNode} source
 * @param {End} from
 * @param {End} to
 */
function connect(nodes, source, from, to) {
  const origin = from.name === "source" ? source : nodes[from.name];
  const target = nodes[to.name];
  const output =
    from.name === "source" ? findImageOutput(source) : findSlot(origin.outputs, from.slot);
  origin.connect(output, target, findSlot(target.inputs, to.slot));
}

/**
 * The place of a node's first image output, or -1.
 * @param {GraphNode} node
 */
function findImageOutput(node) {
  return node.outputs?.findIndex((output) => output.type === "IMAGE") ?? -1;
}

/**
 * @param {{name: string}[]} slots
 * @param {string | undefined} name
 */
function findSlot(slots, name) {
  return slots.findIndex((slot) => slot.name === name);
}
