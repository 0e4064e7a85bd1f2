/**
 * The face board of Detect Faces and Select Faces: the picture with its faces, numbered; on Select
 * Faces a click writes the selection.
 */

import { FaceBoard } from "./face_board/board.js";
import { keepable, lastNumber, readFrames } from "./face_board/frames.js";
import { judgeFaces, parseRule, toggleFace } from "./face_board/selection.js";
import { app, changeGraph, pictureUrl } from "./shared/comfy.js";
import { chain, findWidget, isLinked } from "./shared/hooks.js";
import { latestPayload } from "./shared/outputs.js";
import { keep, readKept, readPayload } from "./shared/payload.js";
import { loadText, text } from "./shared/text.js";
import { addPanel } from "./shared/widget.js";

const DETECT = "PaniniDetectFaces";
const SELECT = "PaniniSelectFaces";
const KEPT = "panini_face_board"; // in the node's properties
const HEIGHTS = { hint: 44, board: 250 }; // px, least
const BOARD_WIDTH = 300; // px, least

/** Ties a board to a node: frames come from its runs, the selection from its widgets. */
class NodeBoard {
  constructor(node) {
    this.node = node;
    this.chooses = node.comfyClass === SELECT;
    /** @type {import("./face_board/frames.js").Frames | null} */
    this.frames = null;
    this.index = 0;
    this.missing = false;
    this.board = new FaceBoard({
      onFrame: (index) => this.goTo(index),
      onMissing: () => this.lose(),
      ...(this.chooses && {
        onToggle: (number) => this.toggle(number),
        onRule: (rule) => this.write(rule),
      }),
    });
    this.panel = addPanel(node, {
      name: "face_board",
      element: this.board.element,
      minHeight: () => (this.isShown() ? HEIGHTS.board : HEIGHTS.hint),
      minWidth: () => (this.isShown() ? BOARD_WIDTH : 0),
    });
    this.listen();
    this.refresh();
  }

  listen() {
    const refresh = () => this.refresh();
    chain(this.node, "onExecuted", (output) => this.receive(output));
    chain(this.node, "onConfigure", () => this.restore());
    chain(this.node, "onConnectionsChange", () => queueMicrotask(refresh));
    for (const name of ["selection", "max_faces", "sort"]) {
      const widget = this.chooses && findWidget(this.node, name);
      if (widget) chain(widget, "callback", refresh);
    }
    // Whatever wrote a widget without telling anyone: what is clicked is what the widget says.
    this.board.element.addEventListener("pointerenter", refresh);
  }

  isShown() {
    return this.frames !== null && !this.missing;
  }

  value(name) {
    return findWidget(this.node, name)?.value;
  }

  receive(output) {
    const frames = readFrames(readPayload(output, "panini_faces"));
    if (!frames) return;
    this.frames = frames;
    this.missing = false;
    this.index = Math.min(this.index, frames.frames.length - 1);
    this.save();
    this.refresh();
    this.panel.fit();
  }

  save() {
    keep(this.node, KEPT, { ...keepable(this.frames), index: this.index });
  }

  restore() {
    const kept = readKept(this.node, KEPT);
    this.frames = readFrames(latestPayload(this.node, "panini_faces")) ?? readFrames(kept);
    this.missing = false;
    const last = (this.frames?.frames.length ?? 1) - 1;
    this.index = Number.isInteger(kept?.index) ? Math.max(0, Math.min(kept.index, last)) : 0;
    this.refresh();
    this.panel.fit();
  }

  lose() {
    this.missing = true;
    this.refresh();
    this.panel.fit();
  }

  goTo(index) {
    if (index < 0 || index >= this.frames.frames.length) return;
    this.index = index;
    this.save();
    this.refresh();
  }

  toggle(number) {
    const rule = String(this.value("selection"));
    const frame = this.frames.frames[this.index];
    if (this.judge(frame).get(number) === "over the limit") return;
    this.write(toggleFace(rule, number, frame, lastNumber(this.frames)));
  }

  write(rule) {
    const widget = findWidget(this.node, "selection");
    if (!widget || this.obstacle()) return;
    changeGraph(() => {
      widget.value = rule;
      widget.callback?.(rule);
    });
    this.refresh();
  }

  judge(frame) {
    if (!this.chooses) return judgeFaces("all", frame);
    return judgeFaces(String(this.value("selection")), frame, Number(this.value("max_faces")) || 0);
  }

  refresh() {
    const frame = this.isShown() ? this.frames.frames[this.index] : null;
    const verdicts = frame ? this.judge(frame) : new Map();
    this.board.show({
      frame,
      url: frame && pictureUrl(frame.image),
      index: this.index,
      count: this.frames?.frames.length ?? 0,
      total: this.frames?.total ?? 0,
      verdicts,
      hint: this.hint(),
      status: frame ? this.status(verdicts) : "",
      blocked: this.chooses && this.obstacle() !== "",
    });
  }

  hint() {
    if (this.missing) {
      return text("face_board.missing", "The picture is no longer there: run again.");
    }
    if (this.chooses && !isLinked(this.node, "image")) {
      return text("face_board.connect", "Connect the image, then run: faces are chosen by clicking.");
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
    const sort = this.frames?.sort ?? null;
    return sort !== null && !isLinked(this.node, "sort") && this.value("sort") !== sort;
  }

  status(verdicts) {
    const count = verdicts.size;
    if (!this.chooses) {
      return this.feedsSelection()
        ? text("face_board.choose_there", "{count} faces: choose in Select Faces.", { count })
        : text("face_board.count", "{count} faces", { count });
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

  feedsSelection() {
    const behind = this.node.getOutputNodes?.(0) ?? [];
    return behind.some((node) => node.comfyClass === SELECT);
  }
}

app.registerExtension({
  name: "Panini.FaceBoard",
  setup: loadText,
  nodeCreated(node) {
    if ([DETECT, SELECT].includes(node.comfyClass)) new NodeBoard(node);
  },
});
