/**
 * The chains of nodes that the commands insert, and where their nodes go.
 *
 * @typedef {Object} Plan
 * @property {string[][]} columns names of nodes, from left to right, from top to bottom
 * @property {Record<string, string>} types of the nodes, by name
 * @property {Record<string, Record<string, string>>} values of widgets that differ from the
 *   defaults, by name of the node
 * @property {string[]} previews names of nodes that grow by a picture in or after a run
 * @property {[from: string, to: string][]} links as "node.output" and "node.input"; the node
 *   "source" is the one that gives the image, its output needs no name
 * @typedef {{name: string, slot: string | undefined}} End of a link
 * @typedef {[width: number, height: number]} Size
 * @typedef {[x: number, y: number]} Point
 * @typedef {[x: number, y: number, width: number, height: number]} Box
 */

const GAP_X = 70; // px of the canvas, as all lengths here
const TITLE = 30; // of a title bar: it lies above a node's position
const GAP_Y = 110; // with room for a title bar, and for Nodes 2.0, whose nodes are higher

/** @type {Plan} */
export const WHOLE_IMAGE = {
  columns: [["restore"], ["save"]],
  types: { restore: "PaniniRestoreImage", save: "SaveImage" },
  values: { save: { filename_prefix: "panini/restored" } },
  previews: ["restore", "save"],
  links: [
    ["source", "restore.image"],
    ["restore.image", "save.images"],
  ],
};

/** @type {Plan} */
export const BY_STAGES = {
  columns: [
    ["model", "detector"],
    ["detect"],
    ["select"],
    ["align", "extract"],
    ["mix"],
    ["restore", "paste"],
    ["compare"],
    ["save"],
  ],
  types: {
    model: "PaniniLoadModel",
    detector: "PaniniLoadDetector",
    detect: "PaniniDetectFaces",
    select: "PaniniSelectFaces",
    align: "PaniniAlignFaces",
    extract: "PaniniExtractDegradation",
    mix: "PaniniFusionWeights",
    restore: "PaniniRestoreFaces",
    paste: "PaniniPasteFaces",
    compare: "PaniniCompareImages",
    save: "SaveImage",
  },
  values: { save: { filename_prefix: "panini/restored" } },
  previews: ["restore", "save"],
  links: [
    ["source", "detect.image"],
    ["detector.detector", "detect.detector"],
    ["model.model", "detect.model"],
    ["detect.faces", "select.faces"],
    ["source", "select.image"],
    ["source", "align.image"],
    ["select.faces", "align.faces"],
    ["model.model", "extract.model"],
    ["align.faces", "extract.faces"],
    ["model.model", "mix.model"],
    ["extract.degradation", "mix.degradation"],
    ["model.model", "restore.model"],
    ["align.faces", "restore.faces"],
    ["mix.weights", "restore.weights"],
    ["source", "paste.image"],
    ["restore.faces", "paste.faces"],
    ["restore.crops", "paste.crops"],
    ["source", "compare.before"],
    ["paste.image", "compare.after"],
    ["select.faces", "compare.faces"],
    ["paste.image", "save.images"],
  ],
};

/**
 * "node.slot" in two.
 * @param {string} end
 * @returns {End}
 */
export function splitEnd(end) {
  const [name, slot] = end.split(".");
  return { name, slot };
}

/**
 * Where the nodes go, and the box that they fill.
 * @param {string[][]} columns
 * @param {Record<string, Size>} sizes of the nodes, by name
 * @param {Point} origin upper left corner
 * @returns {{positions: Record<string, Point>, box: Box}}
 */
export function arrange(columns, sizes, origin) {
  /** @type {Record<string, Point>} */
  const positions = {};
  let [x, height] = [origin[0], 0];
  for (const names of columns) {
    let y = origin[1];
    for (const name of names) {
      positions[name] = [x, y];
      y += sizes[name][1] + GAP_Y;
    }
    x += Math.max(...names.map((name) => sizes[name][0])) + GAP_X;
    height = Math.max(height, y - GAP_Y - origin[1]);
  }
  return { positions, box: [origin[0], origin[1], x - GAP_X - origin[0], height] };
}

/**
 * Where a node lies, with its title bar.
 * @param {{pos: ArrayLike<number>, size: ArrayLike<number>}} node
 * @returns {Box}
 */
export function boxOf({ pos, size }) {
  return withTitle([pos[0], pos[1], size[0], size[1]]);
}

/**
 * @param {Box} box
 * @returns {Box}
 */
export function withTitle([x, y, width, height]) {
  return [x, y - TITLE, width, height + TITLE];
}

/**
 * How far down a box must go to lie clear of all others.
 * @param {Box} box
 * @param {Box[]} others
 */
export function wayDown(box, others) {
  let y = box[1];
  for (const other of others.toSorted((a, b) => a[1] - b[1])) {
    if (overlap([box[0], y, box[2], box[3]], other)) y = other[1] + other[3] + GAP_Y;
  }
  return y - box[1];
}

/**
 * @param {Box} a
 * @param {Box} b
 */
function overlap(a, b) {
  const apart = (/** @type {0 | 1} */ axis) =>
    a[axis] >= b[axis] + b[axis + 2] || b[axis] >= a[axis] + a[axis + 2];
  return !apart(0) && !apart(1);
}
