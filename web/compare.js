/**
 * The compare slider of Compare Images: before and after under a divider.
 *
 * @import { ComfyNode } from "../../scripts/app.js"
 * @import { Pairs } from "./compare/pairs.js"
 * @import { FoldOptions } from "./shared/picture_panel.js"
 */

import { completeDropped } from "./compare/dropped.js";
import { keepable, mergePairs, readPairs } from "./compare/pairs.js";
import { CompareSlider } from "./compare/slider.js";
import { app, pictureUrl } from "./shared/comfy.js";
import { PicturePanel } from "./shared/picture_panel.js";
import { loadText, text } from "./shared/text.js";

const COMPARE = "PaniniCompareImages";

/** Ties a slider to a node: pairs come from its runs, divider and place are saved with it. */
export class NodeSlider {
  /**
   * @param {ComfyNode} node
   * @param {FoldOptions} [fold] how it folds away; without it, it does not
   * @param {() => string} [hint] what is to be done first; without it, to run
   */
  constructor(node, fold, hint = () => text("compare.run", "Run to compare.")) {
    this.hint = hint;
    this.slider = new CompareSlider(
      {
        onPair: (index, rests) => this.pictures.goTo(index, rests),
        onDivider: (divider) => this.pictures.run.save({ divider }),
        onMissing: () => this.pictures.lose(),
      },
      0.5,
    );
    /** @type {PicturePanel<Pairs>} */
    this.pictures = new PicturePanel(node, {
      name: "compare",
      element: this.slider.element,
      fold,
      least: { width: 340, height: 300 },
      onWheel: (event) => this.slider.gestures.zoom(event),
      output: "panini_compare",
      kept: "panini_compare",
      read: readPairs,
      merge: mergePairs,
      keepable,
      count: ({ pairs }) => pairs.length,
      show: (kept) => this.show(kept),
    });
    this.show(null);
  }

  /** @param {Record<string, any> | null} kept what was saved, if the node was just loaded */
  show(kept) {
    const divider = kept?.divider;
    if (divider >= 0 && divider <= 1) this.slider.divider = divider;
    const { shown, index, missing } = this.pictures;
    const pair = shown && shown.pairs[index];
    this.slider.show({
      pair,
      urls: pair && { before: pictureUrl(pair.before), after: pictureUrl(pair.after) },
      index,
      count: shown?.pairs.length ?? 0,
      total: shown?.total ?? 0,
      hint: missing
        ? text("compare.missing", "The pictures are no longer there: run again.")
        : this.hint(),
    });
  }
}

app.registerExtension({
  name: "Panini.Compare",
  setup: loadText,
  nodeCreated(node) {
    if (node.comfyClass !== COMPARE) return;
    new NodeSlider(node);
    completeDropped(node);
  },
});
