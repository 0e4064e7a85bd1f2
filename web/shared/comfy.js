/**
 * What the widgets use of ComfyUI's front end; the only module that imports it.
 */

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { viewPath } from "./payload.js";

export { api, app };

/**
 * Where the browser finds a picture that a node wrote.
 * @param {import("./payload.js").FileReference} reference
 */
export function pictureUrl(reference) {
  return api.apiURL(viewPath(reference));
}

/**
 * The value of a setting of ComfyUI or of ours; undefined where this version does not know it.
 * @param {string} id
 * @returns {unknown}
 */
export function setting(id) {
  return app.extensionManager?.setting?.get(id);
}

/**
 * Changes the graph as one step of undo.
 * @param {() => void} change
 */
export function changeGraph(change) {
  app.canvas?.emitBeforeChange?.();
  try {
    change();
  } finally {
    app.canvas?.emitAfterChange?.();
  }
}

/** The graph that all subgraphs are within; older front ends know it by another name. */
export function rootGraph() {
  return app.rootGraph ?? app.graph;
}

/** Whether nodes are drawn by Vue (Nodes 2.0) rather than on the canvas. */
export function isVueRenderer() {
  return Boolean(globalThis.LiteGraph?.vueNodesMode);
}
