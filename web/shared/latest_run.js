/**
 * What the latest run of a node sent, wherever the front end still has it.
 *
 * @import { ComfyNode, GraphNode } from "../../../scripts/app.js"
 */

import { app, rootGraph } from "./comfy.js";
import { chain, nodesOf } from "./hooks.js";
import { keep, readKept, readPayloads } from "./payload.js";

/** @type {WeakMap<object, LatestRun<any>[]>} by node */
const runs = new WeakMap();

/**
 * @template Content
 * @typedef {Object} RunOptions
 * @property {string} output key of the payload, such as panini_faces
 * @property {string} kept the node's property that it is saved in
 * @property {(payload: unknown) => Content | null} read also reads what `keepable` gave; null: there
 *   is nothing that can be shown
 * @property {(contents: Content[]) => Content} merge what a node sent that ran several times, with
 *   lists at its inputs; at least one
 * @property {(content: Content) => Record<string, unknown>} keepable as plain data, and not much
 * @property {(kept: Record<string, any> | null) => void} onChange kept: the property, if the node
 *   was just loaded; empty if it has none
 */

/**
 * Follows the runs of a node: what they send is shown, and saved with the workflow. A node that
 * is made anew (by undo, by loading) finds it among the outputs that the front end keeps, else in
 * what was saved.
 *
 * @template Content
 */
export class LatestRun {
  /**
   * @param {ComfyNode} node
   * @param {RunOptions<Content>} options
   */
  constructor(node, options) {
    this.node = node;
    this.options = options;
    /** @type {Content | null} */
    this.content = null;
    runs.set(node, [...(runs.get(node) ?? []), this]);
    chain(node, "onExecuted", (sent) => this.receive(sent));
    chain(node, "onConfigure", () => this.restore());
  }

  /**
   * Saves it with the workflow, and values that belong to it.
   * @param {Record<string, unknown>} values plain data
   */
  save(values = {}) {
    const { kept, keepable } = this.options;
    keep(this.node, kept, { ...(this.content && keepable(this.content)), ...values });
  }

  /** @param {unknown} sent */
  receive(sent) {
    if (!this.take(sent)) return;
    this.options.onChange(null);
    this.save();
  }

  restore() {
    const { kept, read, onChange } = this.options;
    const saved = readKept(this.node, kept);
    if (!this.take(latestOutput(this.node))) this.content = read(saved);
    onChange(saved ?? {});
  }

  /** Takes what is among the outputs now; some come back after the node was made. */
  recall() {
    if (this.take(latestOutput(this.node))) this.options.onChange(null);
  }

  /**
   * Makes an output the content, if anything of it can be shown.
   * @param {unknown} sent
   */
  take(sent) {
    const { output, read, merge } = this.options;
    const contents = readPayloads(sent, output)
      .map(read)
      .filter((content) => content !== null);
    if (contents.length) this.content = merge(contents);
    return contents.length > 0;
  }
}

/** Lets all nodes look for their latest runs among the outputs that the front end keeps. */
export function recallOutputs() {
  for (const node of nodesOf(rootGraph())) {
    for (const run of runs.get(node) ?? []) run.recall();
  }
}

/**
 * A node's output among those that the front end keeps.
 * @param {GraphNode} node
 */
function latestOutput({ graph, id }) {
  const place = !graph || graph === rootGraph() ? `${id}` : `${graph.id}:${id}`;
  return app.nodeOutputs?.[place];
}
