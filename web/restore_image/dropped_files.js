/**
 * A file that is dropped onto a node is loaded for it: by the node that loads it already, else by a
 * new one beside it.
 *
 * @import { ComfyNode, GraphNode } from "../../../scripts/app.js"
 *
 * @typedef {Object} Loading
 * @property {string} input of the node, to be loaded for
 * @property {string} loader type of the node that loads
 * @property {string} kind of the files: image, video
 */

import { boxOf, wayDown } from "../commands/chain.js";
import { app, changeGraph } from "../shared/comfy.js";

const GAP = 70; // px of the canvas, between the loader and the node
const LINKS = "text/uri-list"; // what the front end's own pictures are dragged as
const PLACEHOLDER = "PaniniSamplePhoto"; // what a picture of one's own takes the place of

/**
 * Lets a node take files. To be called when it has its panels, since those lie above the canvas,
 * which would otherwise hear of the file.
 * @param {ComfyNode} node
 * @param {Loading} loading
 */
export function takeDroppedFiles(node, loading) {
  node.onDragOver = (event) => mayTake(event);
  node.onDragDrop = (event) => take(node, loading, event);
  for (const widget of node.widgets ?? []) {
    if (!("element" in widget && widget.element instanceof HTMLElement)) continue;
    widget.element.addEventListener("dragover", (event) => {
      if (mayTake(event)) event.preventDefault(); // otherwise the browser opens it
    });
    widget.element.addEventListener("drop", () => {
      app.dragOverNode = node; // whom the front end asks next
    });
  }
}

/**
 * Whether something that is dragged may be a file; what it is, is known when it is dropped.
 * @param {DragEvent} event
 */
function mayTake({ dataTransfer }) {
  if (!dataTransfer) return false;
  const holdsFile = [...dataTransfer.items].some((item) => item.kind === "file");
  return holdsFile || dataTransfer.types.includes(LINKS);
}

/**
 * @param {ComfyNode} node
 * @param {Loading} loading
 * @param {DragEvent} event
 * @returns {Promise<boolean>} whether it was taken; if not, the front end does what it always does
 */
async function take(node, { input, loader, kind }, event) {
  const { dataTransfer } = event;
  if (!dataTransfer || !mayTake(event)) return false;
  const files = [...dataTransfer.files];
  if (files.length && !files.some((file) => file.type.startsWith(`${kind}/`))) return false;
  const slot = node.inputs.findIndex(({ name }) => name === input);
  const link = node.getInputLink(slot);
  const own = /** @type {GraphNode | null | undefined} */ (
    link && node.graph?.getNodeById(link.origin_id)
  );
  if (own && own.type !== PLACEHOLDER) return (await own.onDragDrop?.(event)) ?? false;

  const source = addLoader(node, slot, loader);
  const isTaken = (await source?.onDragDrop?.(event)) ?? false;
  if (source && !isTaken) changeGraph(() => source.graph?.remove(source));
  return isTaken;
}

/**
 * Adds a node to the left of another one, and connects its first output.
 * @param {ComfyNode} node
 * @param {number} slot
 * @param {string} type
 */
function addLoader(node, slot, type) {
  const { graph } = node;
  const source = globalThis.LiteGraph.createNode(type);
  if (!graph || !source) return null;
  const others = graph.nodes.map(boxOf);
  changeGraph(() => {
    graph.add(source);
    source.pos = [node.pos[0] - GAP - source.size[0], node.pos[1]];
    source.pos = [source.pos[0], source.pos[1] + wayDown(boxOf(source), others)];
    source.connect(0, node, slot);
  });
  return source;
}
