/**
 * @import { Graph, GraphNode } from "../../../scripts/app.js"
 *
 * @typedef {(this: any, ...parameters: any[]) => any} Method
 */

/**
 * Lets a method of an object also do something else, after what it did before.
 * @template {object} Owner
 * @template {keyof Owner} Name
 * @param {Owner} owner a node or a widget
 * @param {Name} name of the method, such as onExecuted
 * @param {(this: Owner, ...parameters: Parameters<Extract<Owner[Name], Method>>) => void} addition
 */
export function chain(owner, name, addition) {
  const previous = /** @type {Method | undefined} */ (owner[name]);
  /** @type {Method} */
  const both = function (...parameters) {
    const result = previous?.apply(this, parameters);
    /** @type {Method} */ (addition).apply(this, parameters);
    return result;
  };
  owner[name] = /** @type {Owner[Name]} */ (both);
}

/**
 * The widget of a node with this name, if it has one.
 * @param {GraphNode} node
 * @param {string} name
 */
export function findWidget(node, name) {
  return node.widgets?.find((widget) => widget.name === name);
}

/**
 * Whether an input gets its value over a link, so that its widget is not asked.
 * @param {GraphNode} node
 * @param {string} name
 */
export function isLinked(node, name) {
  const slot = node.inputs?.findIndex((input) => input.name === name) ?? -1;
  return slot >= 0 && node.isInputConnected(slot);
}

/**
 * The nodes behind an output. One without a graph, such as a clone while nodes become a subgraph,
 * has none, and is not asked: its links are those of the node that was cloned, and it would throw.
 * @param {GraphNode} node
 * @param {number} slot
 */
export function nodesBehind(node, slot) {
  return (node.graph && node.getOutputNodes(slot)) ?? [];
}

/**
 * The nodes of a graph, and of the subgraphs in it.
 * @param {Graph | undefined} graph
 * @returns {Generator<GraphNode>}
 */
export function* nodesOf(graph) {
  /** @type {GraphNode[]} */
  const nodes = graph?.nodes ?? [];
  for (const node of nodes) {
    yield node;
    yield* nodesOf(node.subgraph);
  }
}
