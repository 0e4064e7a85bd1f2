/**
 * Two pictures under a divider, as an element. It knows nothing of nodes.
 *
 * @import { Pair } from "./pairs.js"
 * @import { View } from "./view.js"
 *
 * @typedef {Object} SliderState
 * @property {{before: string, after: string} | null} urls null: nothing to show but the hint
 * @property {Pair | null} pair
 * @property {number} index of the pair
 * @property {number} count of the pairs that can be shown
 * @property {number} total of the batch, or of all batches of a list
 * @property {string} hint
 *
 * @typedef {Object} SliderActions
 * @property {(index: number, rests: boolean) => void} onPair rests: it is not being played
 * @property {(share: number) => void} onDivider once it rests
 * @property {() => void} onMissing a picture is not there any more
 */

import { create, createButton, keepFitted, setAttributes } from "../shared/dom.js";
import { linkStyle } from "../shared/style.js";
import { text } from "../shared/text.js";
import { createFileButtons } from "./files.js";
import { Gestures } from "./gestures.js";
import { Player } from "./player.js";
import { WHOLE, haveSameShape, lookAt, moveDivider, onStage, zoomAt } from "./view.js";

const ZOOM_STEP = 1.4;

/** @type {SliderState} */
const NOTHING = { urls: null, pair: null, index: 0, count: 0, total: 0, hint: "" };

export class CompareSlider {
  /**
   * @param {SliderActions} actions
   * @param {number} divider share of the stage
   */
  constructor(actions, divider) {
    linkStyle("compare/compare.css");
    this.actions = actions;
    this.divider = divider;
    this.view = WHOLE;
    this.face = -1; // place of the face that was jumped to
    this.state = NOTHING;
    this.hint = create("div", { class: "panini-hint" });
    this.before = this.createPicture();
    this.after = this.createPicture();
    this.captions = ["left", "right"].map((side) =>
      create("span", { class: `panini-caption panini-${side}` }),
    );
    this.stage = this.createStage();
    this.fit = keepFitted(this.stage, () => this.state.pair?.before_size ?? null);
    const whole = text("compare.whole", "Show the whole picture (0)");
    this.wholeButton = createButton("1×", whole, () => this.showWhole());
    this.facePlace = create("span", { class: "panini-place" });
    this.pairPlace = create("span", { class: "panini-place" });
    this.faceButtons = this.createFaceButtons();
    this.player = this.createPlayer();
    this.playButton = createButton("", "", () => this.player.toggle());
    this.pairButtons = this.createPairButtons();
    const files = createFileButtons(() => {
      const { urls, pair } = this.state;
      return urls && pair && { urls, pair };
    });
    const groups = [this.createZoomButtons(), this.faceButtons, this.pairButtons, files];
    this.controls = create("div", { class: "panini-row panini-spread" }, ...groups);
    this.element = create(
      "div",
      { class: "panini-compare", on: { keydown: (event) => this.onKey(event) } },
      ...[this.hint, this.stage, this.controls],
    );
    this.gestures = new Gestures(this);
  }

  createPicture() {
    const image = create("img", {
      class: "panini-picture",
      alt: "",
      draggable: "false",
      on: { error: () => this.actions.onMissing() },
    });
    const fitted = create("div", { class: "panini-fitted" }, image);
    return { image, moved: create("div", { class: "panini-moved" }, fitted) };
  }

  createStage() {
    return create(
      "div",
      {
        class: "panini-stage",
        role: "slider",
        tabindex: "0",
        "aria-label": text("compare.divider", "Divider between before and after"),
        "aria-valuemin": "0",
        "aria-valuemax": "100",
        title: text(
          "compare.help",
          "Drag the divider, or use the arrow keys. After a click: wheel or + and - zoom, 0 shows all, n and p go from face to face, Page Up and Page Down from picture to picture, Space plays them.",
        ),
      },
      create("div", { class: "panini-layer" }, this.before.moved),
      create("div", { class: "panini-layer panini-upper" }, this.after.moved),
      ...this.captions,
      create("div", { class: "panini-divider" }),
    );
  }

  createZoomButtons() {
    return create(
      "div",
      { class: "panini-row" },
      createButton("−", text("compare.zoom_out", "Zoom out (-)"), () => this.zoom(1 / ZOOM_STEP)),
      this.wholeButton,
      createButton("+", text("compare.zoom_in", "Zoom in (+)"), () => this.zoom(ZOOM_STEP)),
    );
  }

  createFaceButtons() {
    return create(
      "div",
      { class: "panini-row" },
      createButton("‹", text("compare.face_back", "Previous face (p)"), () => this.jump(-1)),
      this.facePlace,
      createButton("›", text("compare.face_next", "Next face (n)"), () => this.jump(1)),
    );
  }

  createPairButtons() {
    return create(
      "div",
      { class: "panini-row" },
      createButton("‹", text("compare.back", "Previous picture (Page Up)"), () => this.step(-1)),
      this.pairPlace,
      createButton("›", text("compare.next", "Next picture (Page Down)"), () => this.step(1)),
      this.playButton,
    );
  }

  createPlayer() {
    return new Player({
      next: () => this.playNext(),
      goesOn: () => this.state.count > 1 && this.stage.clientWidth > 0,
      onChange: () => {
        if (!this.player.playing) this.actions.onPair(this.state.index, true);
        this.place();
      },
    });
  }

  /** @param {SliderState} state */
  show(state) {
    const before = this.state;
    this.state = state;
    const { urls, pair, hint } = state;
    this.hint.hidden = Boolean(urls);
    this.hint.textContent = hint;
    this.stage.hidden = this.controls.hidden = !urls;
    showPicture(this.before.image, urls?.before);
    showPicture(this.after.image, urls?.after);
    if (!urls) this.player.stop();
    if (!urls || !pair) return;
    if (pair !== before.pair) this.showPair(pair);
    this.place();
  }

  /** @param {Pair} pair */
  showPair(pair) {
    const { before_size: old, after_size: now } = pair;
    this.fit();
    this.stage.dataset.fit = haveSameShape(old, now) ? "fill" : "contain";
    if (this.player.playing) return; // a face is looked at through the whole batch
    this.face = -1;
    this.view = WHOLE;
  }

  /** Draws the divider, the zoom and the texts as they are now. */
  place() {
    const { pair, index, count, total } = this.state;
    if (!pair) return; // lost while it was dragged
    const { scale, x, y } = this.view;
    const percent = Math.round(this.divider * 100);
    this.stage.style.setProperty("--divider", `${this.divider * 100}%`);
    const transform = `translate(${x * 100}%, ${y * 100}%) scale(${scale})`;
    for (const { moved } of [this.before, this.after]) moved.style.transform = transform;
    setAttributes(this.stage, {
      "aria-valuenow": percent,
      "aria-valuetext": text("compare.share", "{percent} % before", { percent }),
      "data-zoomed": scale > 1,
    });
    this.faceButtons.hidden = pair.faces.length === 0;
    const place = pair.faces[this.face]?.number ?? "–";
    this.facePlace.textContent = text("compare.face", "face {place}", { place });
    this.pairButtons.hidden = total < 2;
    this.pairPlace.textContent = `${pair.place + 1} / ${total}`;
    const [back, next] = this.pairButtons.querySelectorAll("button");
    back.disabled = index <= 0;
    next.disabled = index >= count - 1;
    const { playing } = this.player;
    this.playButton.textContent = playing ? "❚❚" : "▶";
    const label = playing
      ? text("compare.stop", "Stop (Space)")
      : text("compare.play", "Play (Space)");
    setAttributes(this.playButton, { title: label, "aria-label": label });
    this.wholeButton.textContent = `${Number(scale.toFixed(1))}×`;
    this.writeCaptions(pair);
  }

  /** @param {Pair} pair */
  writeCaptions({ before_size: old, after_size: now }) {
    const names = [text("compare.before", "before"), text("compare.after", "after")];
    [old, now].forEach(([width, height], side) => {
      this.captions[side].textContent = `${names[side]} · ${width}×${height}`;
    });
  }

  /**
   * @param {number} share of the stage
   * @param {{rests?: boolean}} [options] rests: it is not being dragged
   */
  setDivider(share, { rests = true } = {}) {
    this.divider = share;
    this.place();
    if (rests) this.actions.onDivider(share);
  }

  /** @param {View} view */
  setView(view) {
    this.view = view;
    this.place();
  }

  /**
   * @param {number} factor
   * @param {number} [x] share of the stage, of the point that stays; by default the middle
   * @param {number} [y]
   */
  zoom(factor, x, y) {
    this.setView(zoomAt(this.view, factor, x, y));
  }

  showWhole() {
    this.face = -1;
    this.setView(WHOLE);
  }

  /** @param {number} by so many faces */
  jump(by) {
    const { pair } = this.state;
    if (!pair?.faces.length) return;
    const { faces, before_size: size } = pair;
    this.face =
      this.face < 0 && by < 0 ? faces.length - 1 : (this.face + by + faces.length) % faces.length;
    const { clientWidth, clientHeight } = this.stage;
    this.setView(lookAt(onStage(faces[this.face].box, size, clientWidth / clientHeight)));
  }

  /** @param {number} by so many pictures */
  step(by) {
    this.player.stop();
    const index = this.state.index + by;
    if (index >= 0 && index < this.state.count) this.actions.onPair(index, true);
  }

  /** Shows the next pair, or the first after the last; over once both pictures can be seen. */
  async playNext() {
    const { index, count } = this.state;
    this.actions.onPair((index + 1) % count, false);
    const images = [this.before.image, this.after.image];
    await Promise.all(images.map((image) => image.decode().catch(() => {}))); // lost: `onMissing`
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (!this.state.urls || event.ctrlKey || event.metaKey || event.altKey) return;
    /** @type {Record<string, () => void>} */
    const actions = {
      "+": () => this.zoom(ZOOM_STEP),
      "=": () => this.zoom(ZOOM_STEP),
      "-": () => this.zoom(1 / ZOOM_STEP),
      0: () => this.showWhole(),
      n: () => this.jump(1),
      p: () => this.jump(-1),
      PageUp: () => this.step(-1),
      PageDown: () => this.step(1),
      ...(this.state.count > 1 && { " ": () => this.player.toggle() }),
    };
    const divider = moveDivider(this.divider, event.key, event.shiftKey);
    const press = event.target instanceof HTMLButtonElement && [" ", "Enter"].includes(event.key);
    if (press) event.stopPropagation(); // the browser turns it into a click
    if (press || (divider === null && !Object.hasOwn(actions, event.key))) return;
    if (divider !== null) this.setDivider(divider);
    else actions[event.key]();
    event.preventDefault();
    event.stopPropagation();
  }
}

/**
 * @param {HTMLImageElement} image
 * @param {string | undefined} url
 */
function showPicture(image, url) {
  if (!url) image.removeAttribute("src"); // so that it is asked for again
  if (url && image.getAttribute("src") !== url) image.src = url;
}
