/**
 * One way of putting an element into a node, for the canvas and for Nodes 2.0.
 *
 * @import { ComfyNode, GraphNode } from "../../../scripts/app.js"
 *
 * @typedef {Object} PanelOptions
 * @property {string} name unique within the node
 * @property {HTMLElement} element
 * @property {() => number} minHeight px of the graph
 * @property {() => number} [maxHeight] px of the graph
 * @property {() => number} [minWidth] px of the graph, of the node
 * @property {(event: WheelEvent) => boolean} [onWheel] asked while the element has the focus; true:
 *   the event was used. Otherwise it zooms the canvas, as everywhere.
 *
 * @typedef {Object} Made
 * @property {() => void} fit makes the node large enough; to be called when `minHeight` changed
 * @property {Set<() => void>} followers called after it
 * @property {() => void} remove takes the element off the node
 *
 * @typedef {PanelOptions & Made} Panel
 */

import { app, isVueRenderer } from "./comfy.js";
import { succeed } from "./remount.js";
import { linkStyle } from "./style.js";

const MARGIN = 10; // px, that the front end leaves around the element on the canvas

// The newer front end's panel of a node's widgets would move the element into itself, and leave the
// widget as narrow as it is.
const OUTSIDE_OF_PANELS = { surfaces: { canvas: "shown", vueNode: "shown", panel: "never" } };

const POINTER_EVENTS = /** @type {const} */ ([
  "pointerdown",
  "pointermove",
  "pointerup",
  "dblclick",
]);

/** @type {Record<string, "processMouseDown" | "processMouseMove" | "processMouseUp">} */
const CANVAS_METHODS = {
  pointerdown: "processMouseDown",
  pointermove: "processMouseMove",
  pointerup: "processMouseUp",
};

/** @type {WeakMap<GraphNode, Panel[]>} by node */
const panels = new WeakMap();

/**
 * The elements that were added to a node, in their order.
 * @param {GraphNode} node
 */
export function panelsOf(node) {
  return panels.get(node) ?? [];
}

/**
 * Adds an element to a node as its last widget. It has no value: nothing of it is queued or saved.
 * @param {ComfyNode} node
 * @param {PanelOptions} options
 * @returns {Panel}
 */
export function addPanel(node, options) {
  const { name, element, minHeight, maxHeight = () => Infinity } = options;
  const { minWidth = () => 0, onWheel } = options;
  linkStyle("panini.css");
  element.classList.add("panini-panel");
  const widget = node.addDOMWidget(name, `PANINI_${name.toUpperCase()}`, element, {
    serialize: false, // into the prompt
    hideOnZoom: false,
    margin: MARGIN,
    getMinHeight: () => minHeight() + 2 * MARGIN,
    getMaxHeight: () => maxHeight() + 2 * MARGIN,
    getValue: () => "",
    setValue: () => {},
    ...OUTSIDE_OF_PANELS,
  });
  widget.serialize = false; // into the workflow
  widenNode(node, minWidth);
  keepEventsFromCanvas(element, onWheel);
  succeed(node, name, element);
  /** @type {Set<() => void>} */
  const followers = new Set();
  const fit = () => {
    element.style.minHeight = `${minHeight()}px`; // Nodes 2.0 sizes by content
    growNode(node, minWidth());
    for (const follow of followers) follow();
  };
  const remove = () => {
    panels.set(
      node,
      panelsOf(node).filter((other) => other !== panel),
    );
    node.removeWidget(widget);
  };
  const panel = { ...options, fit, followers, remove };
  panels.set(node, [...panelsOf(node), panel]);
  fit();
  return panel;
}

/**
 * Lets a node never be narrower than that, whoever makes it so.
 * @param {ComfyNode} node
 * @param {() => number} minWidth px of the graph
 */
function widenNode(node, minWidth) {
  const { computeSize } = node;
  node.computeSize = function (...parameters) {
    const size = computeSize.apply(this, parameters);
    size[0] = Math.max(size[0], minWidth());
    return size;
  };
}

/**
 * @param {ComfyNode} node
 * @param {number} minWidth px of the graph
 */
function growNode(node, minWidth) {
  const height = isVueRenderer() ? 0 : node.computeSize()[1];
  const [oldWidth, oldHeight] = node.size;
  if (oldWidth < minWidth || oldHeight < height) {
    node.setSize([Math.max(oldWidth, minWidth), Math.max(oldHeight, height)]);
  }
  node.graph?.setDirtyCanvas?.(true, true);
}

/**
 * @param {HTMLElement} element
 * @param {((event: WheelEvent) => boolean) | undefined} onWheel as of `addPanel`
 */
function keepEventsFromCanvas(element, onWheel) {
  for (const type of POINTER_EVENTS) {
    element.addEventListener(type, (event) => {
      if (event.button === 1 || event.buttons === 4) panCanvas(event);
      event.stopPropagation();
    });
  }
  // Nodes 2.0 hands wheel events over to marked elements that have the focus; so do we.
  if (onWheel) element.dataset.captureWheel = "true";
  element.addEventListener("wheel", (event) => {
    const zooms = event.ctrlKey || event.metaKey;
    const used = !zooms && element.contains(document.activeElement) && onWheel?.(event);
    if (!used) app.canvas?.processMouseWheel?.(event);
    event.preventDefault();
    event.stopPropagation();
  });
}

/**
 * Hands the middle mouse button on, which moves the canvas.
 * @param {MouseEvent} event
 */
function panCanvas(event) {
  app.canvas?.[CANVAS_METHODS[event.type]]?.(/** @type {PointerEvent} */ (event));
}
