/**
 * A panel that shows one of the pictures of a node's latest run; which one, is saved with it.
 *
 * @import { ComfyNode } from "../../../scripts/app.js"
 */

import { LatestRun } from "./latest_run.js";
import { addPanel } from "./widget.js";

/** @template Content what a run sent: pictures, in their order */
export class PicturePanel {
  /**
   * @param {ComfyNode} node
   * @param {Object} options
   * @param {string} options.name unique within the node
   * @param {HTMLElement} options.element
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
  constructor(node, { name, element, least, onWheel, count, show, keepable, ...run }) {
    this.count = count;
    this.show = show;
    this.index = 0;
    this.missing = false; // on the server, which deletes what is temporary
    this.fit = addPanel(node, {
      name,
      element,
      minHeight: () => least.height,
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
    this.fit();
  }

  /** @param {Record<string, any> | null} kept as of `show` */
  change(kept) {
    this.missing = false;
    if (kept) this.index = Number.isInteger(kept.index) ? kept.index : 0;
    const last = (this.shown ? this.count(this.shown) : 1) - 1;
    this.index = Math.max(0, Math.min(this.index, last));
    this.show(kept);
    this.fit();
  }
}
