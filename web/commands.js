/**
 * Commands that insert a ready chain of nodes behind the selected image node.
 *
 * @import { GraphNode, MenuItem } from "../../scripts/app.js"
 * @import { Plan } from "./commands/chain.js"
 */

import { BY_STAGES, WHOLE_IMAGE } from "./commands/chain.js";
import { givesImage, insertChain } from "./commands/insert.js";
import { app } from "./shared/comfy.js";
import { addMenuItems } from "./shared/menu.js";
import { loadText, text } from "./shared/text.js";

const TOAST_MS = 6000;

const COMMANDS = [
  {
    id: "Panini.RestoreFaces",
    label: "Panini: restore faces of this image node",
    menuLabel: () => text("commands.restore", "Restore faces (Panini)"),
    icon: "pi pi-face-smile",
    plan: WHOLE_IMAGE,
  },
  {
    id: "Panini.RestoreFacesByStages",
    label: "Panini: restore faces of this image node, stage by stage",
    menuLabel: () => text("commands.restore_by_stages", "Restore faces stage by stage (Panini)"),
    icon: "pi pi-sitemap",
    plan: BY_STAGES,
  },
];

/**
 * Inserts a chain behind the selected node, or says what to select.
 * @param {Plan} plan
 */
function insertBehindSelection(plan) {
  const source = [...(app.canvas.selectedItems ?? [])].find(givesImage);
  if (source) return insertChain(source, plan);
  app.extensionManager?.toast?.add({
    severity: "warn",
    summary: text("commands.select_first", "Select a node that gives an image"),
    detail: text("commands.select_example", "Load Image, for example. Then run the command again."),
    life: TOAST_MS,
  });
}

/**
 * The entries of a node's context menu; none if the node gives no image.
 * @param {GraphNode} node
 * @returns {MenuItem[]}
 */
function createMenuItems(node) {
  if (!givesImage(node)) return [];
  return COMMANDS.map(({ menuLabel, plan }) => ({
    content: menuLabel(),
    callback: () => insertChain(node, plan),
  }));
}

app.registerExtension({
  name: "Panini.Commands",
  setup: loadText,
  commands: COMMANDS.map(({ id, label, icon, plan }) => ({
    id,
    label,
    icon,
    mutatesGraph: true,
    function: () => insertBehindSelection(plan),
  })),
  getNodeMenuItems: createMenuItems,
  nodeCreated: (node) => addMenuItems(node, createMenuItems),
});
