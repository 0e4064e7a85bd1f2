/**
 * The mixer as an element: a fader a level, a legend and two buttons.
 *
 * @import { FaderNames, FaderState } from "./fader_view.js"
 *
 * @typedef {Object} MixerState
 * @property {Record<string, FaderState>} faders by widget
 * @property {number | null} faces of the latest run; null before the first
 * @property {boolean} numbers whether the number widgets are shown
 *
 * @typedef {Object} MixerActions
 * @property {(widget: string, position: number) => void} move
 * @property {() => void} settle a movement is over that neither pointer nor key ends
 * @property {() => void} reset all faders
 * @property {() => void} toggleNumbers
 */

import { create, createButton, setAttributes } from "../shared/dom.js";
import { linkStyle } from "../shared/style.js";
import { text } from "../shared/text.js";
import { createFader } from "./fader_view.js";

/** The widgets that have a fader, coarse first. */
export const LEVELS = [
  ...["level_4", "level_8", "level_16", "level_32", "level_64", "level_128"],
  "picture",
];

/** px of the graph: what the mixer needs. */
export const LEAST_WIDTH = 380;
export const LEAST_HEIGHT = 210;

/**
 * @param {MixerActions} actions
 * @returns {{element: HTMLElement, draw: (state: MixerState) => void}}
 */
export function createMixer(actions) {
  linkStyle("mixer/mixer.css");
  const faders = LEVELS.map((widget) =>
    createFader(nameLevel(widget), {
      move: (position) => actions.move(widget, position),
      settle: actions.settle,
    }),
  );
  const legend = create("div", { class: "panini-grow panini-line panini-mixer-legend" });
  const numbers = createNumbersButton(actions.toggleNumbers);
  const reset = createButton(
    text("mixer.reset", "Reset"),
    text("mixer.reset_all", "All faders back to 0"),
    actions.reset,
  );
  const board = create(
    "div",
    {
      class: "panini-mixer-board",
      role: "group",
      "aria-label": text("mixer.board", "Faders: up for the GAN prior, down for the picture"),
    },
    createScale(),
    ...faders.map((fader) => fader.element),
  );
  const row = create("div", { class: "panini-row" }, legend, numbers, reset);
  return {
    element: create("div", { class: "panini-mixer" }, row, board),
    draw(state) {
      LEVELS.forEach((widget, index) => faders[index].draw(state.faders[widget]));
      drawLegend(legend, state);
      setAttributes(numbers, { "aria-pressed": String(state.numbers) });
    },
  };
}

/**
 * @param {string} widget
 * @returns {FaderNames}
 */
function nameLevel(widget) {
  if (widget === "picture") {
    return {
      caption: text("mixer.picture", "picture"),
      label: text("mixer.picture_long", "The picture itself: its fine detail, or all of it"),
    };
  }
  const side = widget.replace("level_", "");
  return {
    caption: `${side}\u00b2`,
    label: text("mixer.level", "Features of {side} x {side}: mostly {what}", {
      side,
      what: meanings()[widget],
    }),
  };
}

/**
 * What each level mostly decides, in plain words, as in the tooltips of its number.
 * @returns {Record<string, string>} by widget
 */
function meanings() {
  return {
    level_4: text("mixer.head", "pose and the shape of the head"),
    level_8: text("mixer.outline", "the shape of the face, hair"),
    level_16: text("mixer.features", "the shapes of eyes, nose and mouth"),
    level_32: text("mixer.details", "the details of eyes, nose and mouth"),
    level_64: text("mixer.edges", "edges, wrinkles, strands of hair"),
    level_128: text("mixer.texture", "fine texture of skin and hair"),
  };
}

/** @param {() => void} toggle */
function createNumbersButton(toggle) {
  return createButton(
    text("mixer.numbers", "Numbers"),
    text("mixer.show_numbers", "Show the faders' numbers, to type or link them"),
    toggle,
  );
}

/** What up and down mean; the labels of the faders' group say it to screen readers. */
function createScale() {
  const prior = text(
    "mixer.prior_long",
    "The prior: the network's own idea of faces. Up: prettier, more is invented.",
  );
  const picture = text(
    "mixer.picture_down",
    "The picture as it came. Down: closer to it, more faithful.",
  );
  return create(
    "div",
    { class: "panini-mixer-scale", "aria-hidden": "true" },
    create("span", { text: text("mixer.prior", "prior"), title: prior }),
    create("span", { text: text("mixer.picture", "picture"), title: picture }),
  );
}

/**
 * @param {HTMLElement} legend
 * @param {MixerState} state
 */
function drawLegend(legend, { faces }) {
  if (faces === null) {
    const hint = text("mixer.run_first", "Run to see what the network chooses.");
    legend.replaceChildren(create("span", { class: "panini-faint", text: hint }));
    legend.title = hint;
    return;
  }
  if (!faces) {
    legend.replaceChildren(text("mixer.no_face", "There was no face."));
    return;
  }
  const key = (/** @type {string} */ kind, /** @type {string} */ words) =>
    create("span", { class: `panini-mixer-key panini-mixer-key-${kind}`, text: words });
  legend.replaceChildren(
    key("chosen", text("mixer.chosen", "network")),
    key("edited", text("mixer.edited", "with the mixer")),
  );
  legend.title = text(
    "mixer.legend",
    "Left: how the network spreads the prior's share over a level's channels. Right: what the " +
      "mixer makes of it. Faces: {faces}",
    { faces },
  );
}
