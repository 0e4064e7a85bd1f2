/** The DAFI mixer: faders over the alpha that the network chooses, on PaniniFusionWeights. */

import { alphaChange, changeDistribution } from "./mixer/alpha.js";
import { toStep } from "./mixer/fader.js";
import { LEAST_HEIGHT, LEAST_WIDTH, LEVELS, createMixer } from "./mixer/view.js";
import { app, changeGraph, isVueRenderer, setting } from "./shared/comfy.js";
import { chain, findWidget, isLinked } from "./shared/hooks.js";
import { latestPayload } from "./shared/outputs.js";
import { areNumbers, keep, readKept, readPayload } from "./shared/payload.js";
import { loadText } from "./shared/text.js";
import { addPanel } from "./shared/widget.js";

const NODE = "PaniniFusionWeights";
const OUTPUT = "panini_alpha";
const KEPT = "panini_mixer"; // {version, numbers} in the node's properties

/** Puts the mixer into a new node. */
function attach(node) {
  choosePreset(node);
  /** @type {any} */
  let payload = null;
  let touched = false; // since the last step of undo
  const draw = () => view.draw(readState(node, payload ?? latestPayload(node, OUTPUT)));
  const move = (name, position) => {
    touched = write(node, name, position) || touched;
    draw();
  };
  const settle = () => {
    if (touched) changeGraph(() => {});
    touched = false;
  };
  const showNumbers = () => {
    const height = node.computeSize()[1];
    hideNumbers(node);
    shrink(node, height - node.computeSize()[1]);
    panel.fit();
    draw();
  };
  const view = createMixer({
    move,
    settle,
    reset() {
      for (const name of LEVELS) if (!isLinked(node, name)) move(name, 0);
      settle();
    },
    toggleNumbers() {
      changeGraph(() => keep(node, KEPT, { numbers: !areNumbersShown(node) }));
      showNumbers();
    },
  });
  hideNumbers(node);
  const panel = addPanel(node, {
    ...{ name: "mixer", element: view.element },
    ...{ minHeight: () => LEAST_HEIGHT, minWidth: () => LEAST_WIDTH },
  });
  listen(node, draw, showNumbers, (latest) => {
    payload = latest;
  });
  draw();
}

/** Draws the mixer anew whenever the node changes. */
function listen(node, draw, showNumbers, receive) {
  for (const name of ["preset", "mode", ...LEVELS]) {
    const widget = findWidget(node, name);
    if (widget) chain(widget, "callback", draw);
  }
  chain(node, "onConnectionsChange", showNumbers);
  chain(node, "onConfigure", () => {
    showNumbers();
    setTimeout(draw); // the outputs of a workflow come back after its nodes
  });
  chain(node, "onExecuted", (output) => {
    receive(readPayload(output, OUTPUT));
    draw();
  });
}

/** Takes away the room that widgets filled; Nodes 2.0 does so by itself. */
function shrink(node, height) {
  if (height > 0 && !isVueRenderer()) node.setSize([node.size[0], node.size[1] - height]);
}

/** A new mixer begins with the preset of the settings; a loaded one overwrites it. */
function choosePreset(node) {
  const widget = findWidget(node, "preset");
  const preset = setting("Panini.Mixer.Preset");
  if (widget?.options?.values?.includes?.(preset)) widget.value = preset;
}

/**
 * @param {any} node
 * @param {any} payload of the latest run, or null
 * @returns {import("./mixer/view.js").MixerState}
 */
function readState(node, payload) {
  const mode = findWidget(node, "mode")?.value === "override" ? "override" : "bias";
  const preset = String(findWidget(node, "preset")?.value);
  const levels = Array.isArray(payload?.levels) ? payload.levels : [];
  const foreseeable = !isLinked(node, "preset") && !isLinked(node, "mode");
  const faders = LEVELS.map((name) => {
    const position = toStep(findWidget(node, name)?.value);
    const linked = isLinked(node, name);
    const chosen = readDistribution(levels.find((level) => level?.widget === name)?.chosen);
    const edited =
      chosen && foreseeable && !linked
        ? changeDistribution(chosen, alphaChange(mode, preset, position))
        : null;
    return [name, { position, mode, chosen, edited, linked, absent: levels.length > 0 && !chosen }];
  });
  return {
    faders: Object.fromEntries(faders),
    faces: payload ? Number(payload.faces) || 0 : null,
    numbers: areNumbersShown(node),
  };
}

/** @returns {import("./mixer/alpha.js").Distribution | null} null if it cannot be drawn */
function readDistribution(value) {
  const drawable =
    Number.isFinite(value?.mean) &&
    areNumbers(value.quantiles, 5) &&
    areNumbers(value.histogram, value.histogram?.length || 1);
  return drawable ? value : null;
}

/**
 * Writes a fader's number as if it had been typed.
 * @returns {boolean} whether it changed
 */
function write(node, name, position) {
  const widget = findWidget(node, name);
  if (!widget || widget.value === position) return false;
  widget.value = position;
  widget.callback?.(position, app.canvas, node);
  node.setDirtyCanvas?.(true, true);
  return true;
}

function areNumbersShown(node) {
  return readKept(node, KEPT)?.numbers === true;
}

/** Hides the number widgets, or shows them; a linked one is always shown. Their order stays. */
function hideNumbers(node) {
  for (const name of LEVELS) {
    const widget = findWidget(node, name);
    if (widget) setHidden(widget, !areNumbersShown(node) && !isLinked(node, name));
  }
}

// Older front ends leave room for hidden widgets: as much as they say, and 4 px.
const noRoom = () => [0, -4];

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
