/**
 * A panel that shows one of the pictures of a node's latest run; which one, is saved with it.
 *
 * @import { ComfyNode } from "../../../scripts/app.js"
 *
 * @typedef {{title: string, folded: boolean}} FoldOptions folded: whether it is on a new node
 */

import { isVueRenderer } from "./comfy.js";
import { Fold, HEAD_HEIGHT } from "./fold.js";
import { LatestRun } from "./latest_run.js";
import { addPanel } from "./widget.js";

/** @template Content what a run sent: pictures, in their order */
export class PicturePanel {
  /**
   * @param {ComfyNode} node
   * @param {Object} options
   * @param {string} options.name unique within the node
   * @param {HTMLElement} options.element
   * @param {FoldOptions} [options.fold] how it folds away; without it, it does not
   * @param {{width: number, height: number}} options.least px of the graph; they are taken before
   *   there is a picture, so that no node grows over its neighbours when it comes
   * @param {(event: WheelEvent) => boolean} [options.onWheel] as of `addPanel`, over a picture
   * @param {string} options.output as `read`, `merge`, `kept` and `keepable`: of `LatestRun`
   * @param {string} options.kept
   * @param {(payload: unknown) => Content | null} options.read
   * @param {(contents: Content[]) => Content} options.merge
   * @param {(content: Content) => Record<string, unknown>} options.keepable
   * @param {(content: Content) => number} options.count of the pictures
   * @param {(kept: Record<string, any> | null) => void} options.show draws what is to be shown now;
   *   kept: what was saved, if the node was just loaded
   */
  constructor(node, { name, element, fold, least, onWheel, count, show, keepable, ...run }) {
    this.node = node;
    this.least = least;
    this.fold = fold && new Fold(fold.title, element, fold.folded, () => this.toggle());
    this.count = count;
    this.show = show;
    this.index = 0;
    this.missing = false; // on the server, which deletes what is temporary
    this.panel = addPanel(node, {
      name,
      element: this.fold?.element ?? element,
      minHeight: () => this.minHeight(),
      maxHeight: () => (this.fold?.folded ? HEAD_HEIGHT : Infinity),
      minWidth: () => least.width,
      onWheel: onWheel && ((event) => this.shown !== null && onWheel(event)),
    });
    /** @type {LatestRun<Content>} */
    this.run = new LatestRun(node, {
      ...run,
      keepable: (content) => ({ ...keepable(content), index: this.index }),
      onChange: (kept) => this.change(kept),
    });
  }

  /** px of the graph */
  minHeight() {
    const content = this.least.height;
    if (!this.fold) return content;
    return HEAD_HEIGHT + (this.fold.folded ? 0 : content);
  }

  /** Folds or unfolds it: on the canvas the node becomes as much lower or higher. */
  toggle() {
    const { node, fold } = this;
    if (!fold) return;
    const before = this.minHeight();
    fold.set(!fold.folded);
    // Nodes 2.0 sizes a node by its content itself.
    const more = isVueRenderer() ? 0 : this.minHeight() - before;
    if (more) node.setSize([node.size[0], node.size[1] + more]);
    this.run.save({ folded: fold.folded });
    this.panel.fit();
  }

  /**
   * Says something beside the title, if it has one.
   * @param {string} text
   */
  tell(text) {
    this.fold?.tell(text);
  }

  /** What can be shown of the latest run; null if there is nothing. */
  get shown() {
    return this.missing ? null : (this.run?.content ?? null);
  }

  /**
   * Shows another picture, if there is one.
   * @param {number} index
   * @param {boolean} [rests] whether it is worth saving
   */
  goTo(index, rests = true) {
    if (!this.shown || index < 0 || index >= this.count(this.shown)) return;
    this.index = index;
    if (rests) this.run.save();
    this.show(null);
  }

  /** To be called when the server does not have a picture any more. */
  lose() {
    this.missing = true;
    this.show(null);
    this.panel.fit();
  }

  /** @param {Record<string, any> | null} kept as of `show` */
  change(kept) {
    this.missing = false;
    if (kept) this.index = Number.isInteger(kept.index) ? kept.index : 0;
    if (typeof kept?.folded === "boolean") this.fold?.set(kept.folded);
    const last = (this.shown ? this.count(this.shown) : 1) - 1;
    this.index = Math.max(0, Math.min(this.index, last));
    this.show(kept);
    this.panel.fit();
  }
}
