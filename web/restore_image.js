/**
 * What Restore Faces shows in itself: the result under a slider, and the face board, where a click
 * writes the selection. Each folds away.
 */

import { NodeSlider } from "./compare.js";
import { NodeBoard } from "./face_board.js";
import { app } from "./shared/comfy.js";
import { loadText, text } from "./shared/text.js";

const RESTORE = "PaniniRestoreImage";

app.registerExtension({
  name: "Panini.RestoreImage",
  setup: loadText,
  nodeCreated(node) {
    if (node.comfyClass !== RESTORE) return;
    new NodeSlider(node, { title: text("compare.title", "Before and after"), folded: false });
    new NodeBoard(node, {
      chooses: true,
      fold: { title: text("face_board.title", "Faces"), folded: true },
    });
  },
});
