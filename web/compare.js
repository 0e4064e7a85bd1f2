/**
 * The compare slider of Compare Images: before and after under a divider.
 */

import { keepable, readPairs } from "./compare/pairs.js";
import { CompareSlider } from "./compare/slider.js";
import { app, pictureUrl } from "./shared/comfy.js";
import { chain } from "./shared/hooks.js";
import { latestPayload } from "./shared/outputs.js";
import { keep, readKept, readPayload } from "./shared/payload.js";
import { loadText, text } from "./shared/text.js";
import { addPanel } from "./shared/widget.js";

const COMPARE = "PaniniCompareImages";
const KEPT = "panini_compare"; // in the node's properties
const HEIGHTS = { hint: 44, slider: 300 }; // px, least
const SLIDER_WIDTH = 340; // px, least

/** Ties a slider to a node: pairs come from its runs, divider and place are saved with it. */
class NodeSlider {
  constructor(node) {
    this.node = node;
    /** @type {import("./compare/pairs.js").Pairs | null} */
    this.pairs = null;
    this.index = 0;
    this.missing = false;
    this.slider = new CompareSlider(
      {
        onPair: (index) => this.goTo(index),
        onDivider: () => this.save(),
        onMissing: () => this.lose(),
      },
      0.5,
    );
    this.panel = addPanel(node, {
      name: "compare",
      element: this.slider.element,
      minHeight: () => (this.isShown() ? HEIGHTS.slider : HEIGHTS.hint),
      minWidth: () => (this.isShown() ? SLIDER_WIDTH : 0),
      onWheel: (event) => this.isShown() && this.slider.gestures.zoom(event),
    });
    chain(node, "onExecuted", (output) => this.receive(output));
    chain(node, "onConfigure", () => this.restore());
    this.refresh();
  }

  isShown() {
    return this.pairs !== null && !this.missing;
  }

  receive(output) {
    const pairs = readPairs(readPayload(output, "panini_compare"));
    if (!pairs) return;
    this.pairs = pairs;
    this.missing = false;
    this.index = Math.min(this.index, pairs.pairs.length - 1);
    this.save();
    this.refresh();
    this.panel.fit();
  }

  save() {
    const { index, slider } = this;
    keep(this.node, KEPT, { ...keepable(this.pairs), index, divider: slider.divider });
  }

  restore() {
    const kept = readKept(this.node, KEPT);
    this.pairs = readPairs(latestPayload(this.node, "panini_compare")) ?? readPairs(kept);
    this.missing = false;
    const last = (this.pairs?.pairs.length ?? 1) - 1;
    this.index = Number.isInteger(kept?.index) ? Math.max(0, Math.min(kept.index, last)) : 0;
    if (kept?.divider >= 0 && kept.divider <= 1) this.slider.divider = kept.divider;
    this.refresh();
    this.panel.fit();
  }

  lose() {
    this.missing = true;
    this.refresh();
    this.panel.fit();
  }

  goTo(index) {
    this.index = index;
    this.save();
    this.refresh();
  }

  refresh() {
    const pair = this.isShown() ? this.pairs.pairs[this.index] : null;
    this.slider.show({
      pair,
      urls: pair && { before: pictureUrl(pair.before), after: pictureUrl(pair.after) },
      index: this.index,
      count: this.pairs?.pairs.length ?? 0,
      total: this.pairs?.total ?? 0,
      hint: this.missing
        ? text("compare.missing", "The pictures are no longer there: run again.")
        : text("compare.run", "Run to compare."),
    });
  }
}

app.registerExtension({
  name: "Panini.Compare",
  setup: loadText,
  nodeCreated(node) {
    if (node.comfyClass === COMPARE) new NodeSlider(node);
  },
});
