/**
 * One fader as an element: a track with the distribution of alpha behind it, and a handle.
 *
 * @import { Mode } from "./alpha.js"
 * @import { Distribution } from "./distribution.js"
 *
 * @typedef {Object} FaderState
 * @property {number} position
 * @property {Mode} mode
 * @property {Distribution | null} chosen by the network, in its latest run
 * @property {Distribution | null} edited what the mixer makes of it; null if a link decides
 * @property {boolean} linked the value comes over a link: the fader cannot be moved
 * @property {boolean} absent the model has no such level
 *
 * @typedef {Object} FaderActions
 * @property {(position: number) => void} move while it is being moved, by pointer or key
 * @property {() => void} settle when it was moved at once
 *
 * @typedef {{caption: string, label: string}} FaderNames
 * @typedef {ReturnType<typeof createParts>} Parts
 * @typedef {FaderActions & {position: () => number, locked: () => boolean}} Controls
 */

import { create, createSvg, setAttributes } from "../shared/dom.js";
import { text } from "../shared/text.js";
import { atHeight, drag, pressKey, writePosition } from "./fader.js";
import { middle, outline } from "./outline.js";

/**
 * @param {FaderNames} names
 * @param {FaderActions} actions
 * @returns {{element: HTMLElement, draw: (state: FaderState) => void}}
 */
export function createFader(names, actions) {
  const parts = createParts(names);
  /** @type {FaderState} */
  let state = {
    position: 0,
    mode: "bias",
    chosen: null,
    edited: null,
    linked: false,
    absent: false,
  };
  const controls = {
    position: () => state.position,
    locked: () => state.linked,
    move: actions.move,
    settle: actions.settle,
  };
  listenToPointer(parts, controls);
  listenToKeys(parts.track, controls);
  return {
    element: parts.element,
    draw(now) {
      state = now;
      drawHandle(parts, names, now);
      drawShapes(parts, now);
    },
  };
}

/** @param {FaderNames} names */
function createParts({ caption, label }) {
  const chosen = createSvg("path", { class: "panini-mixer-chosen" });
  const edited = createSvg("path", { class: "panini-mixer-edited" });
  const bars = createSvg("g", {});
  const shapes = createSvg(
    "svg",
    { viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" },
    createSvg("path", { class: "panini-mixer-rule", d: "M0 50H100M50 0V100" }),
    ...[chosen, edited, bars],
  );
  const handle = create("div", { class: "panini-mixer-handle" });
  const rail = create("div", { class: "panini-mixer-rail" }, shapes, handle);
  const track = create(
    "div",
    {
      class: "panini-mixer-track",
      role: "slider",
      tabindex: "0",
      "aria-label": label,
      "aria-orientation": "vertical",
      "aria-valuemin": "-1",
      "aria-valuemax": "1",
    },
    rail,
  );
  const value = create("div", { class: "panini-mixer-value", "aria-hidden": "true" });
  const name = create("div", { class: "panini-mixer-name", "aria-hidden": "true", text: caption });
  const element = create("div", { class: "panini-mixer-fader" }, track, value, name);
  return { element, track, rail, handle, value, name, chosen, edited, bars };
}

/**
 * @param {Parts} parts
 * @param {FaderNames} names
 * @param {FaderState} state
 */
function drawHandle({ element, track, handle, value, name }, { label }, state) {
  const written = state.linked
    ? text("mixer.link", "link")
    : writePosition(state.position, state.mode);
  handle.style.top = `${50 * (1 - state.position)}%`;
  value.textContent = written;
  element.classList.toggle("panini-mixer-moved", state.position !== 0 && state.mode === "bias");
  element.classList.toggle("panini-mixer-absent", state.absent);
  const told = tellAlpha(state);
  setAttributes(track, {
    "aria-valuenow": state.position,
    "aria-valuetext": told ? `${written}; ${told}` : written,
    "aria-disabled": String(state.linked),
    title: [label, told, ...tellUse(state)].filter(Boolean).join("\n"),
  });
  name.title = [label, tellMode(state.mode)].join("\n");
}

/** @param {FaderState} state */
function tellAlpha({ chosen, edited, absent }) {
  if (absent) return text("mixer.absent", "this model has no such level");
  if (!chosen) return "";
  const mean = chosen.mean.toFixed(2);
  if (!edited) return text("mixer.mean", "prior's share {chosen} on average", { chosen: mean });
  return text("mixer.means", "prior's share {chosen} on average, with the mixer {edited}", {
    chosen: mean,
    edited: edited.mean.toFixed(2),
  });
}

/** @param {FaderState} state */
function tellUse({ linked, mode }) {
  if (linked) return [text("mixer.linked", "Comes over a link.")];
  return [
    tellMode(mode),
    text("mixer.use", "Drag, or use the arrow keys (Shift: finely). Double click: reset."),
  ];
}

/** @param {Mode} mode */
function tellMode(mode) {
  if (mode === "override") {
    return text(
      "mixer.override",
      "override: it replaces what the network chose; 0 is half and half.",
    );
  }
  return text("mixer.bias", "bias: it pushes what the network chose; 0 leaves it.");
}

/**
 * @param {Parts} parts
 * @param {FaderState} state
 */
function drawShapes(parts, { chosen, edited }) {
  setAttributes(parts.chosen, { d: chosen && outline(chosen.histogram, "left") });
  setAttributes(parts.edited, { d: edited && outline(edited.histogram, "right") });
  const bars = [
    chosen && createBar(chosen, "chosen", 44),
    edited && createBar(edited, "edited", 56),
  ];
  parts.bars.replaceChildren(...bars.filter((bar) => bar !== null));
}

/**
 * The middle half of the channels as a bar, the median as a notch in it.
 * @param {Distribution} distribution
 * @param {"chosen" | "edited"} kind
 * @param {number} x of its middle
 */
function createBar(distribution, kind, x) {
  const { top, bottom, median } = middle(distribution);
  const height = Math.max(bottom - top, 1.5);
  return createSvg(
    "g",
    { class: `panini-mixer-${kind}-bar` },
    createSvg("rect", { x: x - 3, y: top, width: 6, height }),
    createSvg("rect", {
      class: "panini-mixer-median",
      x: x - 5,
      width: 10,
      height: 1.5,
      y: Math.min(Math.max(median - 0.75, 0), 98.5),
    }),
  );
}

/**
 * @param {Parts} parts
 * @param {Controls} controls
 */
function listenToPointer({ track, rail, handle }, controls) {
  let start = { position: 0, y: 0 };
  const upward = (/** @type {number} */ from, /** @type {number} */ to) =>
    (from - to) / (rail.getBoundingClientRect().height || 1);
  const moveTo = (/** @type {number} */ position) => {
    if (position !== controls.position()) controls.move(position);
  };
  track.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || controls.locked()) return;
    track.setPointerCapture(event.pointerId);
    if (event.target !== handle) {
      moveTo(atHeight(upward(rail.getBoundingClientRect().bottom, event.clientY)));
    }
    start = { position: controls.position(), y: event.clientY };
  });
  track.addEventListener("pointermove", (event) => {
    if (!track.hasPointerCapture(event.pointerId)) return;
    moveTo(drag(start.position, upward(start.y, event.clientY), event.shiftKey));
  });
  track.addEventListener("dblclick", () => {
    if (controls.locked()) return;
    moveTo(0);
    controls.settle();
  });
}

/**
 * @param {HTMLElement} track
 * @param {Controls} controls
 */
function listenToKeys(track, controls) {
  track.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const position = pressKey(controls.position(), event.key, event.shiftKey);
    if (position === null) return;
    event.preventDefault();
    event.stopPropagation(); // Delete would delete the node
    if (!controls.locked() && position !== controls.position()) controls.move(position);
  });
}
