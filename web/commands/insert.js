/** Inserts a chain of nodes behind a node that gives an image. */

import { app, changeGraph } from "../shared/comfy.js";
import { arrange, splitEnd, wayDown } from "./chain.js";

const GAP = 90; // px of the canvas, to the node that gives the image
const TITLE = 30; // px, of a title bar: it lies above a node's position

/**
 * The place of a node's first image output, or -1.
 * @param {any} node
 */
export function findImageOutput(node) {
  return node?.outputs?.findIndex((output) => output.type === "IMAGE") ?? -1;
}

/**
 * Adds the nodes to the right of the source, connected and selected, in one step of undo.
 * @param {any} source has an image output
 * @param {import("./chain.js").Plan} plan
 */
export function insertChain(source, plan) {
  changeGraph(() => {
    const nodes = addNodes(source.graph, plan);
    place(nodes, source, plan);
    for (const [from, to] of plan.links) connect(nodes, source, splitEnd(from), splitEnd(to));
    app.canvas.deselectAll?.();
    app.canvas.selectItems?.(Object.values(nodes));
  });
  source.graph.setDirtyCanvas?.(true, true);
}

/** @returns {Record<string, any>} the new nodes, by their names in the plan */
function addNodes(graph, { types }) {
  const nodes = Object.entries(types).map(([name, type]) => {
    const node = globalThis.LiteGraph.createNode(type);
    if (!node) throw new Error(`ComfyUI does not know the node ${type}: reload the page.`);
    return [name, node];
  });
  for (const [, node] of nodes) graph.add(node);
  return Object.fromEntries(nodes);
}

function place(nodes, source, { columns }) {
  const sizes = Object.fromEntries(
    Object.entries(nodes).map(([name, node]) => [name, [node.size[0], node.size[1]]]),
  );
  const origin = [source.pos[0] + source.size[0] + GAP, source.pos[1]];
  const { positions, box } = arrange(columns, sizes, origin);
  const own = new Set(Object.values(nodes));
  const others = source.graph.nodes.filter((node) => !own.has(node)).map(boxOf);
  const down = wayDown(withTitle(box), others);
  for (const [name, node] of Object.entries(nodes)) {
    node.pos = [positions[name][0], positions[name][1] + down];
  }
}

function connect(nodes, source, from, to) {
  const origin = from.name === "source" ? source : nodes[from.name];
  const target = nodes[to.name];
  const output =
    from.name === "source" ? findImageOutput(source) : findSlot(origin.outputs, from.slot);
  origin.connect(output, target, findSlot(target.inputs, to.slot));
}

function findSlot(slots, name) {
  return slots.findIndex((slot) => slot.name === name);
}

function boxOf(node) {
  return withTitle([node.pos[0], node.pos[1], node.size[0], node.size[1]]);
}

function withTitle([x, y, width, height]) {
  return [x, y - TITLE, width, height + TITLE];
}
