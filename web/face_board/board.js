/**
 * The face board as an element: a picture, a box a face, a line that tells of a face, and buttons.
 * It knows nothing of nodes.
 *
 * @typedef {import("./frames.js").Frame} Frame
 * @typedef {import("./frames.js").Face} Face
 *
 * @typedef {Object} BoardActions
 * @property {(number: number) => void} [onToggle] without it the faces cannot be chosen
 * @property {(rule: string) => void} [onRule] for the buttons that choose all and none
 * @property {(index: number) => void} onFrame
 * @property {() => void} onMissing the picture is not there any more
 *
 * @typedef {Object} BoardState
 * @property {string | null} url of the picture; null: there is nothing to show but the hint
 * @property {Frame | null} frame
 * @property {number} index of the frame
 * @property {number} count of the frames that can be shown
 * @property {number} total of the batch
 * @property {Map<number, string>} verdicts of `judgeFaces`
 * @property {string} hint
 * @property {string} status
 * @property {boolean} blocked whether clicks would mean something else than what is shown
 */

import { create, createButton, keepFitted, setAttributes } from "../shared/dom.js";
import { linkStyle } from "../shared/style.js";
import { text } from "../shared/text.js";
import { placeBoxes } from "./frames.js";
import { countFaces, describeFace, nameVerdict } from "./words.js";

const SMALL_BOX = 34; // px on the board, a width that a number would fill

export class FaceBoard {
  /** @param {BoardActions} actions */
  constructor(actions) {
    linkStyle("face_board/face_board.css");
    this.actions = actions;
    this.chooses = Boolean(actions.onToggle);
    /** @type {BoardState | null} */
    this.state = null;
    /** @type {Map<number, HTMLElement>} */
    this.boxes = new Map();
    this.current = 0; // place of the face that Tab goes to

    this.hint = create("div", { class: "panini-hint" });
    this.picture = create("img", { class: "panini-picture", alt: "", draggable: "false" });
    this.picture.addEventListener("error", () => actions.onMissing());
    this.faces = create("div", { class: "panini-faces", role: "group" });
    this.fitted = create("div", { class: "panini-fitted" }, this.picture, this.faces);
    this.stage = create("div", { class: "panini-stage", tabindex: "-1" }, this.fitted);
    const size = () => this.state?.frame && [this.state.frame.width, this.state.frame.height];
    this.fit = keepFitted(this.stage, size, ({ width }) => this.markSmall(width));
    this.status = create("div", { class: "panini-line", role: "status" });
    this.element = create(
      "div",
      { class: "panini-face-board", on: { keydown: (event) => this.onKey(event) } },
      ...[this.hint, this.stage, this.status, this.createControls()],
    );
  }

  createControls() {
    const { onRule, onFrame } = this.actions;
    const step = (by) => () => onFrame(this.state.index + by);
    this.ruleButtons = create(
      "div",
      { class: "panini-row panini-grow" },
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
    );
    this.back = createButton("‹", text("face_board.back", "Previous picture"), step(-1));
    this.next = createButton("›", text("face_board.next", "Next picture"), step(1));
    this.place = create("span", { class: "panini-place" });
    this.frameButtons = create(
      "div",
      { class: "panini-row panini-steps" },
      ...[this.back, this.place, this.next],
    );
    this.controls = create("div", { class: "panini-row" }, this.ruleButtons, this.frameButtons);
    return this.controls;
  }

  /** @param {BoardState} state */
  show(state) {
    const { frame: before } = this.state ?? {};
    this.state = state;
    const { url, frame } = state;
    this.hint.hidden = Boolean(url);
    this.hint.textContent = state.hint;
    for (const part of [this.stage, this.status, this.controls]) part.hidden = !url;
    if (!url) this.picture.removeAttribute("src"); // so that it is asked for again
    if (url && frame) {
      if (this.picture.getAttribute("src") !== url) this.picture.src = url;
      if (frame !== before) this.placeFaces(frame);
      this.markFaces();
      this.showControls();
    }
  }

  showControls() {
    const { index, count, total, frame, blocked } = this.state;
    this.ruleButtons.hidden = !this.chooses;
    for (const button of this.ruleButtons.children) button.disabled = blocked;
    this.frameButtons.hidden = total < 2;
    this.controls.hidden = this.ruleButtons.hidden && this.frameButtons.hidden;
    this.back.disabled = index <= 0;
    this.next.disabled = index >= count - 1;
    this.place.textContent = `${index + 1} / ${total}`;
    this.place.title =
      count < total
        ? text("face_board.first_only", "The first {count} of {total} pictures are shown.", {
            count,
            total,
          })
        : "";
    const of = { index: index + 1, total, faces: countFaces(frame.faces.length) };
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
            this.markFaces();
            tell();
          },
        },
      },
      create("span", { class: "panini-number", text: String(face.number) }),
    );
  }

  markFaces() {
    const { frame, verdicts, blocked } = this.state;
    frame.faces.forEach((face, index) => {
      const box = this.boxes.get(face.number);
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

  /** The numbers of small boxes go above them. */
  markSmall(shownWidth) {
    const { frame } = this.state;
    for (const { number, box } of frame.faces) {
      const width = ((box[2] - box[0]) / frame.width) * shownWidth;
      setAttributes(this.boxes.get(number), { "data-small": width < SMALL_BOX });
    }
  }

  choose(number) {
    if (!this.chooses || this.state.blocked) return;
    this.actions.onToggle(number);
    this.tell(this.state.frame.faces.find((face) => face.number === number) ?? null);
  }

  /** @param {Face | null} face null: what is to be said of all */
  tell(face) {
    const { verdicts, status } = this.state;
    const verdict = face && this.chooses ? nameVerdict(verdicts.get(face.number)) : "";
    const line = face ? describeFace(face, verdict) : status;
    this.status.textContent = line;
    this.status.title = line;
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (!this.state?.frame || event.ctrlKey || event.metaKey || event.altKey) return;
    const { index, count } = this.state;
    const lastFace = this.boxes.size - 1;
    const actions = {
      ArrowLeft: () => index > 0 && this.actions.onFrame(index - 1),
      ArrowRight: () => index < count - 1 && this.actions.onFrame(index + 1),
      ArrowUp: () => this.focusFace(Math.max(this.current - 1, 0)),
      ArrowDown: () => this.focusFace(Math.min(this.current + 1, lastFace)),
      Home: () => this.focusFace(0),
      End: () => this.focusFace(lastFace),
    };
    const press = event.target instanceof HTMLButtonElement && [" ", "Enter"].includes(event.key);
    if (press)
      event.stopPropagation(); // the browser turns it into a click
    else if (Object.hasOwn(actions, event.key)) {
      actions[event.key]();
      event.preventDefault();
      event.stopPropagation();
    }
  }

  focusFace(place) {
    this.faces.children[place]?.focus();
  }
}
