/**
 * The face board as an element: a picture, a box a face, a line that tells of a face, and buttons.
 * It knows nothing of nodes.
 *
 * @import { Face, Frame, Place } from "./frames.js"
 * @import { Verdict } from "./selection.js"
 *
 * @typedef {Object} BoardActions
 * @property {(number: number) => void} [onToggle] without it the faces cannot be chosen
 * @property {(rule: string) => void} [onRule] for the buttons that choose all and none
 * @property {(index: number) => void} onFrame
 * @property {() => void} onMissing the picture is not there any more
 * @property {(number: number, name: "strength" | "fidelity", by: number) => void} [onMove] of the
 *   value of a face
 *
 * @typedef {Object} BoardState
 * @property {string | null} url of the picture; null: there is nothing to show but the hint
 * @property {Frame | null} frame
 * @property {number} index of the frame
 * @property {number} count of the frames that can be shown
 * @property {number} total of the batch, or of all batches of a list
 * @property {Map<number, Verdict>} verdicts by number
 * @property {Map<number, string>} values what faces have of their own, by number
 * @property {string} hint
 * @property {string} status
 * @property {boolean} blocked whether clicks would mean something else than what is shown
 */

import { create, createButton, keepFitted, setAttributes } from "../shared/dom.js";
import { linkStyle } from "../shared/style.js";
import { text } from "../shared/text.js";
import { placeBoxes } from "./frames.js";
import { countFaces, describeFace, nameVerdict } from "./words.js";

const VALUE_STEP = 0.05; // of a key, and of a notch of the wheel
const SMALL_BOX = 34; // px on the board, a width that a number would fill

/** @type {BoardState} */
const NOTHING = {
  url: null,
  frame: null,
  index: 0,
  count: 0,
  total: 0,
  verdicts: new Map(),
  values: new Map(),
  hint: "",
  status: "",
  blocked: false,
};

export class FaceBoard {
  /** @param {BoardActions} actions */
  constructor(actions) {
    linkStyle("face_board/face_board.css");
    this.actions = actions;
    this.chooses = Boolean(actions.onToggle);
    this.state = NOTHING;
    /** @type {Map<number, HTMLElement>} */
    this.boxes = new Map();
    this.current = 0; // place of the face that Tab goes to

    this.hint = create("div", { class: "panini-hint" });
    this.picture = create("img", { class: "panini-picture", alt: "", draggable: "false" });
    this.picture.addEventListener("error", () => actions.onMissing());
    this.faces = create("div", { class: "panini-faces", role: "group" });
    this.fitted = create("div", { class: "panini-fitted" }, this.picture, this.faces);
    this.stage = create("div", { class: "panini-stage", tabindex: "-1" }, this.fitted);
    this.fit = keepFitted(
      this.stage,
      () => sizeOf(this.state.frame),
      ({ width }) => this.markSmall(width),
    );
    this.status = create("div", { class: "panini-line", role: "status" });
    this.rules = this.createRules();
    this.steps = this.createSteps();
    const groups = [this.rules.element, this.steps.element];
    this.controls = create("div", { class: "panini-row" }, ...groups);
    this.element = create(
      "div",
      { class: "panini-face-board", on: { keydown: (event) => this.onKey(event) } },
      ...[this.hint, this.stage, this.status, this.controls],
    );
  }

  /** The buttons that choose all and none. */
  createRules() {
    const { onRule } = this.actions;
    const buttons = [
      createButton(
        text("face_board.all", "All"),
        text("face_board.all_tip", "Choose all faces"),
        () => onRule?.("all"),
      ),
      createButton(
        text("face_board.none", "None"),
        text("face_board.none_tip", "Choose no face"),
        () => onRule?.("none"),
      ),
    ];
    return { element: create("div", { class: "panini-row panini-grow" }, ...buttons), buttons };
  }

  /** The buttons that go from picture to picture, and the place among them. */
  createSteps() {
    const step = (/** @type {number} */ by) => () => this.actions.onFrame(this.state.index + by);
    const back = createButton("‹", text("face_board.back", "Previous picture"), step(-1));
    const next = createButton("›", text("face_board.next", "Next picture"), step(1));
    const place = create("span", { class: "panini-place" });
    const element = create("div", { class: "panini-row panini-steps" }, back, place, next);
    return { element, back, place, next };
  }

  /** @param {BoardState} state */
  show(state) {
    const { frame: before } = this.state;
    this.state = state;
    const { url, frame } = state;
    this.hint.hidden = Boolean(url);
    this.hint.textContent = state.hint;
    for (const part of [this.stage, this.status, this.controls]) part.hidden = !url;
    if (!url) this.picture.removeAttribute("src"); // so that it is asked for again
    if (url && frame) {
      if (this.picture.getAttribute("src") !== url) this.picture.src = url;
      if (frame !== before) this.placeFaces(frame);
      this.markFaces(frame);
      this.showControls(frame);
    }
  }

  /** @param {Frame} frame */
  showControls(frame) {
    const { rules, steps } = this;
    const { index, count, total, blocked } = this.state;
    const place = frame.place + 1;
    rules.element.hidden = !this.chooses;
    for (const button of rules.buttons) button.disabled = blocked;
    steps.element.hidden = total < 2;
    this.controls.hidden = rules.element.hidden && steps.element.hidden;
    steps.back.disabled = index <= 0;
    steps.next.disabled = index >= count - 1;
    steps.place.textContent = `${place} / ${total}`;
    steps.place.title =
      count < total
        ? text("face_board.some_only", "Only {count} of the {total} pictures are shown.", {
            count,
            total,
          })
        : "";
    const of = { index: place, total, faces: countFaces(frame.faces.length) };
    const label = text("face_board.label", "Picture {index} of {total}: {faces}", of);
    setAttributes(this.faces, { "aria-label": label });
    this.tell(null);
  }

  /** @param {Frame} frame */
  placeFaces(frame) {
    const hadFocus = this.faces.contains(document.activeElement);
    const places = placeBoxes(frame);
    const boxes = frame.faces.map((face, index) => this.createFace(face, index, places[index]));
    this.boxes = new Map(frame.faces.map(({ number }, index) => [number, boxes[index]]));
    this.current = Math.max(0, Math.min(this.current, boxes.length - 1));
    this.faces.replaceChildren(...boxes);
    this.fit();
    if (hadFocus) (boxes[this.current] ?? this.stage).focus();
  }

  /**
   * @param {Face} face
   * @param {number} index
   * @param {Place} place
   */
  createFace(face, index, { left, top, width, height, order }) {
    const tell = () => this.tell(face);
    const forget = () => this.tell(null);
    return create(
      "button",
      {
        class: "panini-face",
        type: "button",
        role: this.chooses ? "checkbox" : "img",
        style: {
          left: `${left}%`,
          top: `${top}%`,
          width: `${width}%`,
          height: `${height}%`,
          "z-index": order,
        },
        on: {
          click: () => this.choose(face.number),
          pointerenter: tell,
          pointerleave: forget,
          blur: forget,
          focus: () => {
            this.current = index;
            if (this.state.frame) this.markFaces(this.state.frame);
            tell();
          },
        },
      },
      create("span", { class: "panini-number", text: String(face.number) }),
    );
  }

  /** @param {Frame} frame */
  markFaces({ faces }) {
    const { verdicts, blocked } = this.state;
    faces.forEach((face, index) => {
      const box = this.boxes.get(face.number);
      if (!box) return;
      const verdict = verdicts.get(face.number);
      box.dataset.verdict = verdict;
      setAttributes(box, {
        tabindex: index === this.current ? "0" : "-1",
        "aria-checked": this.chooses ? String(verdict === "kept") : null,
        "aria-disabled": this.chooses && blocked ? "true" : null,
        "aria-label": describeFace(face, this.chooses ? nameVerdict(verdict) : ""),
      });
    });
  }

  /**
   * The numbers of small boxes go above them.
   * @param {number} shownWidth px of the frame on the board
   */
  markSmall(shownWidth) {
    const { frame } = this.state;
    if (!frame) return;
    for (const { number, box } of frame.faces) {
      const width = ((box[2] - box[0]) / frame.width) * shownWidth;
      const element = this.boxes.get(number);
      if (element) setAttributes(element, { "data-small": width < SMALL_BOX });
    }
  }

  /** @param {number} number of the face */
  choose(number) {
    if (!this.chooses || this.state.blocked) return;
    this.actions.onToggle?.(number);
    this.tell(this.state.frame?.faces.find((face) => face.number === number) ?? null);
  }

  /** @param {Face | null} face null: what is to be said of all */
  tell(face) {
    const { verdicts, values, status } = this.state;
    const verdict = face && this.chooses ? nameVerdict(verdicts.get(face.number)) : "";
    const own = (face && values.get(face.number)) ?? "";
    const line = face ? describeFace(face, verdict, own) : status;
    this.status.textContent = line;
    this.status.title = line;
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (!this.state.frame || event.ctrlKey || event.metaKey || event.altKey) return;
    const { index, count } = this.state;
    const lastFace = this.boxes.size - 1;
    /** @type {Record<string, () => unknown>} */
    const actions = {
      ArrowLeft: () => index > 0 && this.actions.onFrame(index - 1),
      ArrowRight: () => index < count - 1 && this.actions.onFrame(index + 1),
      ArrowUp: () => this.focusFace(Math.max(this.current - 1, 0)),
      ArrowDown: () => this.focusFace(Math.min(this.current + 1, lastFace)),
      Home: () => this.focusFace(0),
      End: () => this.focusFace(lastFace),
      ...(this.actions.onMove && {
        "+": () => this.move("strength", 1),
        "=": () => this.move("strength", 1),
        "-": () => this.move("strength", -1),
        PageUp: () => this.move("fidelity", 1),
        PageDown: () => this.move("fidelity", -1),
      }),
    };
    const press = event.target instanceof HTMLButtonElement && [" ", "Enter"].includes(event.key);
    if (press) event.stopPropagation(); // the browser turns it into a click
    if (press || !Object.hasOwn(actions, event.key)) return;
    actions[event.key]();
    event.preventDefault();
    event.stopPropagation();
  }

  /**
   * With Alt, the wheel moves the strength of the face that has the focus; with Shift, too, its
   * fidelity.
   * @param {WheelEvent} event
   * @returns {boolean} whether it was used
   */
  onWheel({ altKey, shiftKey, deltaX, deltaY }) {
    const delta = deltaY || deltaX; // which of them, Shift decides
    const focused = this.faces.contains(document.activeElement);
    if (!altKey || !delta || !focused || !this.actions.onMove) return false;
    this.move(shiftKey ? "fidelity" : "strength", -Math.sign(delta));
    return true;
  }

  /**
   * Moves a value of the face that Tab goes to.
   * @param {"strength" | "fidelity"} name
   * @param {number} steps
   */
  move(name, steps) {
    const face = this.state.frame?.faces[this.current];
    if (!face) return;
    this.actions.onMove?.(face.number, name, steps * VALUE_STEP);
    this.tell(face);
  }

  /** @param {number} place among the faces */
  focusFace(place) {
    const face = /** @type {HTMLElement | undefined} */ (this.faces.children[place]);
    face?.focus();
  }
}

/**
 * @param {Frame | null} frame
 * @returns {[width: number, height: number] | null} px
 */
function sizeOf(frame) {
  return frame && [frame.width, frame.height];
}
