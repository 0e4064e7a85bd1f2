/**
 * The face board of Detect Faces and Select Faces: the picture with its faces, numbered; on Select
 * Faces a click writes the selection.
 *
 * @import { ComfyNode } from "../../scripts/app.js"
 * @import { Frame, Frames } from "./face_board/frames.js"
 * @import { Verdict } from "./face_board/selection.js"
 * @import { FoldOptions } from "./shared/picture_panel.js"
 */

import { FaceBoard } from "./face_board/board.js";
import { keepable, lastNumber, mergeFrames, readFrames } from "./face_board/frames.js";
import { movePerFace, parsePerFace } from "./face_board/per_face.js";
import { judgeFaces, parseRule, recallVerdicts, toggleFace } from "./face_board/selection.js";
import { countFaces, nameValues } from "./face_board/words.js";
import { app, changeGraph, pictureUrl } from "./shared/comfy.js";
import { chain, findWidget, isLinked, nodesBehind } from "./shared/hooks.js";
import { PicturePanel } from "./shared/picture_panel.js";
import { loadText, text } from "./shared/text.js";

const DETECT = "PaniniDetectFaces";
const SELECT = "PaniniSelectFaces";

/** Ties a board to a node: frames come from its runs, the selection from its widgets. */
export class NodeBoard {
  /**
   * @param {ComfyNode} node
   * @param {Object} options
   * @param {boolean} options.chooses whether a click writes the node's widget `selection`
   * @param {FoldOptions} [options.fold] how it folds away; without it, it does not
   */
  constructor(node, { chooses, fold }) {
    this.node = node;
    this.chooses = chooses;
    const moves = findWidget(node, "face_strength");
    this.board = new FaceBoard({
      onFrame: (index) => this.pictures.goTo(index),
      onMissing: () => this.pictures.lose(),
      ...(this.chooses && {
        onToggle: (number) => this.toggle(number),
        onRule: (rule) => this.write("selection", rule),
      }),
      ...(moves && {
        onMove: (number, name, by) => this.move(number, name, by),
      }),
    });
    /** @type {PicturePanel<Frames>} */
    this.pictures = new PicturePanel(node, {
      name: "face_board",
      element: this.board.element,
      onWheel: moves && ((event) => this.board.onWheel(event)),
      fold,
      least: { width: 300, height: 250 },
      output: "panini_faces",
      kept: "panini_face_board",
      read: readFrames,
      merge: mergeFrames,
      keepable,
      count: ({ frames }) => frames.length,
      show: () => this.refresh(),
    });
    this.listen();
    this.refresh();
  }

  listen() {
    const refresh = () => this.refresh();
    chain(this.node, "onConnectionsChange", () => queueMicrotask(refresh));
    const choice = ["selection", "max_faces", "sort", "threshold"];
    for (const name of [...choice, "face_strength", "face_fidelity"]) {
      const widget = findWidget(this.node, name);
      if (widget) chain(widget, "callback", refresh);
    }
    // Whatever wrote a widget without telling anyone: what is clicked is what the widget says.
    this.board.element.addEventListener("pointerenter", refresh);
  }

  /** The frame that is shown, or null. */
  get frame() {
    const { shown, index } = this.pictures;
    return shown && shown.frames[index];
  }

  /** @param {string} name of a widget */
  value(name) {
    return findWidget(this.node, name)?.value;
  }

  /** @param {number} number of a face */
  toggle(number) {
    const { frame } = this;
    const { shown } = this.pictures;
    if (!frame || !shown || this.judge(frame).get(number) === "over the limit") return;
    const last = lastNumber(shown);
    this.write("selection", toggleFace(String(this.value("selection")), number, frame, last));
  }

  /**
   * Moves the strength or the fidelity of one face.
   * @param {number} number of the face
   * @param {"strength" | "fidelity"} name
   * @param {number} by
   */
  move(number, name, by) {
    const own = `face_${name}`;
    if (isLinked(this.node, own)) return;
    const moved = movePerFace(String(this.value(own)), number, by, Number(this.value(name)));
    if (moved !== null) this.write(own, moved);
  }

  /**
   * @param {string} name of a widget
   * @param {string} value
   */
  write(name, value) {
    const widget = findWidget(this.node, name);
    if (!widget || (name === "selection" && this.obstacle())) return;
    changeGraph(() => {
      widget.value = value;
      widget.callback?.(value);
    });
    this.refresh();
  }

  /**
   * What faces have of their own, as words by their numbers.
   * @param {Frame} frame
   * @returns {Map<number, string>}
   */
  ownValues({ faces }) {
    const [strengths, fidelities] = ["face_strength", "face_fidelity"].map((name) =>
      parsePerFace(String(this.value(name) ?? "")),
    );
    return new Map(
      faces.map(({ number }) => [
        number,
        nameValues(strengths?.get(number), fidelities?.get(number)),
      ]),
    );
  }

  /** @param {Frame} frame */
  judge(frame) {
    if (!this.chooses) return judgeFaces("all", frame);
    if (isLinked(this.node, "selection")) return recallVerdicts(frame);
    return judgeFaces(String(this.value("selection")), frame, Number(this.value("max_faces")) || 0);
  }

  refresh() {
    const { frame } = this;
    const { shown, index } = this.pictures;
    const verdicts = frame ? this.judge(frame) : new Map();
    const status = frame ? this.status(verdicts) : "";
    this.pictures.tell(status);
    this.board.show({
      frame,
      url: frame && pictureUrl(frame.image),
      index,
      count: shown?.frames.length ?? 0,
      total: shown?.total ?? 0,
      verdicts,
      values: frame ? this.ownValues(frame) : new Map(),
      hint: this.hint(),
      status,
      blocked: this.chooses && this.obstacle() !== "",
    });
  }

  hint() {
    if (this.pictures.missing) {
      return text("face_board.missing", "The picture is no longer there: run again.");
    }
    if (this.chooses && !isLinked(this.node, "image")) {
      return text(
        "face_board.connect",
        "Connect the image, then run: faces are chosen by clicking.",
      );
    }
    return this.chooses
      ? text("face_board.run_choose", "Run, then choose faces by clicking.")
      : text("face_board.run", "Run to see the faces.");
  }

  /** Why a click would not mean what is shown; empty if it would. */
  obstacle() {
    if (isLinked(this.node, "selection")) {
      return text("face_board.linked", "The selection comes over a link.");
    }
    if (this.isReordered()) {
      return text("face_board.reordered", "The order was changed: run again.");
    }
    return "";
  }

  /** Whether the numbers are those of another order; one that comes over a link is not foreseen. */
  isReordered() {
    const sort = this.pictures.shown?.sort ?? null;
    return sort !== null && !isLinked(this.node, "sort") && this.value("sort") !== sort;
  }

  /** @param {Map<number, Verdict>} verdicts */
  status(verdicts) {
    const count = verdicts.size;
    if (!count) return this.tellNothing();
    if (!this.chooses) {
      const faces = countFaces(count);
      return this.feedsSelection()
        ? text("face_board.choose_there", "{faces}: choose in Select Faces.", { faces })
        : faces;
    }
    const rule = String(this.value("selection"));
    if (!this.obstacle() && parseRule(rule) === null) {
      return text("face_board.unreadable", "Not a selection: {rule}", { rule });
    }
    const kept = [...verdicts.values()].filter((verdict) => verdict === "kept").length;
    return (
      this.obstacle() ||
      text("face_board.kept_count", "{kept} of {count} faces selected", { kept, count })
    );
  }

  /** That there is no face, and what can be done about it in this node. */
  tellNothing() {
    const nothing = text("face_board.nothing", "No face was found.");
    const threshold = Number(this.value("threshold"));
    if (!threshold || isLinked(this.node, "threshold")) return nothing;
    const lower = text("face_board.lower", "Try a threshold below {threshold}.", {
      threshold: Number(threshold.toFixed(2)),
    });
    return `${nothing} ${lower}`;
  }

  feedsSelection() {
    return nodesBehind(this.node, 0).some((node) => node.comfyClass === SELECT);
  }
}

app.registerExtension({
  name: "Panini.FaceBoard",
  setup: loadText,
  nodeCreated(node) {
    const { comfyClass } = node;
    const chooses = comfyClass === SELECT;
    if (chooses || comfyClass === DETECT) new NodeBoard(node, { chooses });
  },
});
