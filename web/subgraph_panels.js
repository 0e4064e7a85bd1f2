/**
 * Shows the panels of a node within a subgraph on the subgraph's own nodes, if a user asks for it in
 * the node's menu. The front end offers values for that, but no elements.
 *
 * @import { ComfyNode, GraphNode, MenuItem } from "../../scripts/app.js"
 */

import { app, changeGraph, rootGraph } from "./shared/comfy.js";
import { addMenuItems } from "./shared/menu.js";
import { chain, nodesOf } from "./shared/hooks.js";
import { loadText, text } from "./shared/text.js";
import { panelsOf } from "./shared/widget.js";
import { Mirror } from "./subgraph_panels/mirror.js";

const KEPT = "panini_panels"; // the property with the ids of the nodes whose panels are shown

/** @type {Set<Mirror>} */
const mirrors = new Set();

/**
 * The nodes that stand for the subgraph that a node is in.
 * @param {GraphNode} node
 */
function hostsOf({ graph }) {
  const nodes = new Set(nodesOf(rootGraph()));
  return [...nodes].filter(({ subgraph }) => subgraph === graph);
}

/**
 * @param {GraphNode} host
 * @returns {string[]} ids of the nodes whose panels it shows
 */
function shownOn(host) {
  const kept = host.properties?.[KEPT];
  return Array.isArray(kept) ? kept.map(String) : [];
}

/** @param {GraphNode} host just loaded, pasted, or with another choice */
function renew(host) {
  const wanted = new Set(shownOn(host));
  for (const mirror of mirrors) {
    if (mirror.host === host && !wanted.delete(`${mirror.node.id}`)) drop(mirror);
  }
  for (const node of host.subgraph?.nodes ?? []) {
    if (!wanted.has(`${node.id}`)) continue;
    const mirror = new Mirror(/** @type {ComfyNode} */ (host), node);
    mirrors.add(mirror);
    chain(node, "onRemoved", () => drop(mirror));
  }
  arrange();
}

/** @param {Mirror} mirror */
function drop(mirror) {
  if (mirrors.delete(mirror)) mirror.remove();
}

/** Puts every element where it can be seen: a subgraph is either open, or its node is shown. */
function arrange() {
  const shown = app.canvas?.graph;
  for (const mirror of mirrors) if (mirror.host.graph !== shown) mirror.giveBack();
  const taken = new Set();
  for (const mirror of mirrors) {
    if (mirror.host.graph !== shown || taken.has(mirror.node)) continue;
    taken.add(mirror.node);
    mirror.take();
  }
}

/**
 * @param {GraphNode} node
 * @returns {MenuItem[]} none if it has no panels of its own or is in no subgraph
 */
function createMenuItems(node) {
  if (!panelsOf(node).length || node.subgraph || node.graph === rootGraph()) return [];
  const id = `${node.id}`;
  const hosts = hostsOf(node);
  const isShown = hosts.some((host) => shownOn(host).includes(id));
  const choose = () =>
    changeGraph(() => {
      for (const host of hosts) {
        const others = shownOn(host).filter((other) => other !== id);
        host.properties[KEPT] = isShown ? others : [...others, id];
        renew(host);
      }
    });
  const content = isShown
    ? text("subgraph.hide", "Hide this from the subgraph's node (Panini)")
    : text("subgraph.show", "Show this on the subgraph's node (Panini)");
  return [{ content, callback: choose }];
}

app.registerExtension({
  name: "Panini.SubgraphPanels",
  async setup() {
    await loadText();
    // The front end answers first, and may make elements anew.
    app.canvas?.canvas.addEventListener("litegraph:set-graph", () => setTimeout(arrange));
  },
  getNodeMenuItems: createMenuItems,
  nodeCreated(node) {
    addMenuItems(node, createMenuItems);
    if (!node.isSubgraphNode?.()) return;
    chain(node, "onConfigure", () => setTimeout(() => node.graph && renew(node)));
    chain(node, "onRemoved", () => {
      for (const mirror of mirrors) if (mirror.host === node) drop(mirror);
    });
  },
});
