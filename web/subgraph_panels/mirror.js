/**
 * The panels of a node within a subgraph, on a node that stands for the subgraph. There is one
 * element for each: it is where it can be seen.
 *
 * @import { GraphNode, ComfyNode } from "../../../scripts/app.js"
 * @import { Panel } from "../shared/widget.js"
 *
 * @typedef {Object} Place of a panel on the node of the subgraph
 * @property {Panel} panel
 * @property {HTMLElement} element what holds the panel's element while it is here
 * @property {Panel} own of the node of the subgraph
 * @property {Comment} home where the panel's element belongs
 */

import { create } from "../shared/dom.js";
import { text } from "../shared/text.js";
import { addPanel, panelsOf } from "../shared/widget.js";

export class Mirror {
  /**
   * @param {ComfyNode} host the node that stands for the subgraph
   * @param {GraphNode} node with panels, in the subgraph
   */
  constructor(host, node) {
    this.host = host;
    this.node = node;
    /** @type {Place[]} */
    this.places = panelsOf(node).map((panel) => {
      const hint = text("subgraph.elsewhere", "Shown on another node of this subgraph.");
      const element = create("div", { class: "panini-mirror" }, create("p", { text: hint }));
      const { minHeight, maxHeight, minWidth } = panel;
      const name = `${panel.name}_${node.id}`;
      const own = addPanel(host, { name, element, minHeight, maxHeight, minWidth });
      panel.followers.add(own.fit);
      return { panel, element, own, home: document.createComment("shown on the subgraph") };
    });
  }

  /** Brings the elements here. */
  take() {
    for (const { panel, element, own, home } of this.places) {
      if (element.contains(panel.element)) continue;
      if (panel.element.isConnected) panel.element.replaceWith(home);
      element.append(panel.element);
      own.fit();
    }
  }

  /** Puts the elements back where they belong; the front end does so where it makes that anew. */
  giveBack() {
    for (const { panel, element, home } of this.places) {
      if (!element.contains(panel.element)) continue;
      if (home.isConnected) home.replaceWith(panel.element);
      else panel.element.remove();
    }
  }

  /** Takes the places off the node of the subgraph. */
  remove() {
    this.giveBack();
    for (const { panel, own } of this.places) {
      panel.followers.delete(own.fit);
      own.remove();
    }
  }
}
