/**
 * The DAFI mixer: faders over the alpha that the network chooses, on PaniniFusionWeights.
 *
 * @import { ComfyNode, GraphNode, Widget } from "../../scripts/app.js"
 * @import { FaderState } from "./mixer/fader_view.js"
 * @import { Report } from "./mixer/report.js"
 * @import { MixerActions, MixerState } from "./mixer/view.js"
 */

import { alphaChange } from "./mixer/alpha.js";
import { changeDistribution } from "./mixer/distribution.js";
import { toStep } from "./mixer/fader.js";
import { keepable, mergeReports, readReport } from "./mixer/report.js";
import { LEAST_HEIGHT, LEAST_WIDTH, LEVELS, createMixer } from "./mixer/view.js";
import { app, changeGraph, isVueRenderer, setting } from "./shared/comfy.js";
import { chain, findWidget, isLinked } from "./shared/hooks.js";
import { LatestRun } from "./shared/latest_run.js";
import { Movement } from "./shared/movement.js";
import { keep, readKept } from "./shared/payload.js";
import { loadText } from "./shared/text.js";
import { addPanel } from "./shared/widget.js";

const NODE = "PaniniFusionWeights";
const KEPT = "panini_mixer"; // the latest run, and whether numbers are shown

/**
 * Puts the mixer into a new node.
 * @param {ComfyNode} node
 */
function attach(node) {
  choosePreset(node);
  const movement = new Movement(node, (name, position) => write(node, name, position));
  const draw = () => view.draw(readState(node, run.content, movement.values));
  /** @type {MixerActions["move"]} */
  const move = (name, position) => {
    movement.move(name, position);
    draw();
  };
  const showNumbers = () => {
    hideNumbers(node);
    fit();
    draw();
  };
  const view = createMixer({
    move,
    settle: movement.end,
    reset() {
      for (const name of LEVELS) if (!isLinked(node, name)) move(name, 0);
      movement.end();
    },
    toggleNumbers() {
      changeGraph(() => {
        keep(node, KEPT, { numbers: !areNumbersShown(node) });
        keepSpareHeight(node, showNumbers);
      });
    },
  });
  hideNumbers(node);
  const { fit } = addPanel(node, {
    name: "mixer",
    element: view.element,
    minHeight: () => LEAST_HEIGHT,
    minWidth: () => LEAST_WIDTH,
  });
  /** @type {LatestRun<Report>} */
  const run = new LatestRun(node, {
    output: "panini_alpha",
    kept: KEPT,
    read: readReport,
    merge: mergeReports,
    keepable,
    onChange: draw,
  });
  listen(node, draw, showNumbers);
  draw();
}

/**
 * Draws the mixer anew whenever the node changes.
 * @param {ComfyNode} node
 * @param {() => void} draw
 * @param {() => void} showNumbers draws it, after the number widgets were shown or hidden
 */
function listen(node, draw, showNumbers) {
  for (const name of ["preset", "mode", ...LEVELS]) {
    const widget = findWidget(node, name);
    if (widget) chain(widget, "callback", draw);
  }
  chain(node, "onConnectionsChange", showNumbers);
  chain(node, "onConfigure", showNumbers);
}

/**
 * Shows or hides widgets, and makes a node as much higher or lower; Nodes 2.0 does so by itself.
 * @param {GraphNode} node
 * @param {() => void} change
 */
function keepSpareHeight(node, change) {
  const spare = Math.max(node.size[1] - node.computeSize()[1], 0);
  change();
  if (!isVueRenderer()) node.setSize([node.size[0], node.computeSize()[1] + spare]);
}

/**
 * A new mixer begins with the preset of the settings; a loaded one overwrites it.
 * @param {GraphNode} node
 */
function choosePreset(node) {
  const widget = findWidget(node, "preset");
  const preset = setting("Panini.Mixer.Preset");
  const presets = widget?.options?.values;
  const known = typeof preset === "string" && Array.isArray(presets) && presets.includes(preset);
  if (widget && known) widget.value = preset;
}

/**
 * @param {GraphNode} node
 * @param {Report | null} report of the latest run
 * @param {Map<string, number>} moved positions that are not written yet, by widget
 * @returns {MixerState}
 */
function readState(node, report, moved) {
  const mode = findWidget(node, "mode")?.value === "override" ? "override" : "bias";
  const preset = String(findWidget(node, "preset")?.value);
  const levels = report?.chosen ?? {};
  const foreseeable = !isLinked(node, "preset") && !isLinked(node, "mode");
  /** @type {[name: string, state: FaderState][]} */
  const faders = LEVELS.map((name) => {
    const position = toStep(moved.get(name) ?? findWidget(node, name)?.value);
    const linked = isLinked(node, name);
    const chosen = levels[name] ?? null;
    const edited =
      chosen && foreseeable && !linked
        ? changeDistribution(chosen, alphaChange(mode, preset, position, report?.presets[name]))
        : null;
    const absent = !chosen && Object.keys(levels).length > 0;
    return [name, { position, mode, chosen, edited, linked, absent }];
  });
  return {
    faders: Object.fromEntries(faders),
    faces: report ? report.faces : null,
    numbers: areNumbersShown(node),
  };
}

/**
 * Writes a fader's number as if it had been typed.
 * @param {GraphNode} node
 * @param {string} name of the widget
 * @param {number} position
 */
function write(node, name, position) {
  const widget = findWidget(node, name);
  if (!widget || widget.value === position) return;
  widget.value = position;
  widget.callback?.(position, app.canvas, node);
  node.setDirtyCanvas?.(true, true);
}

/** @param {GraphNode} node */
function areNumbersShown(node) {
  return readKept(node, KEPT)?.numbers === true;
}

/**
 * Hides the number widgets, or shows them; a linked one is always shown. Their order stays.
 * @param {GraphNode} node
 */
function hideNumbers(node) {
  for (const name of LEVELS) {
    const widget = findWidget(node, name);
    if (widget) setHidden(widget, !areNumbersShown(node) && !isLinked(node, name));
  }
}

/**
 * Older front ends leave room for hidden widgets: as much as they say, and 4 px.
 * @returns {[width: number, height: number]}
 */
const noRoom = () => [0, -4];

/**
 * @param {Widget} widget
 * @param {boolean} hidden
 */
function setHidden(widget, hidden) {
  widget.hidden = hidden;
  if (hidden) widget.computeSize = noRoom;
  else if (widget.computeSize === noRoom) delete widget.computeSize;
}

app.registerExtension({
  name: "Panini.Mixer",
  setup: loadText,
  nodeCreated(node) {
    if (node.comfyClass === NODE) attach(node);
  },
});
