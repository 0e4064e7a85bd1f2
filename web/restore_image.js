/**
 * What Restore Faces shows in itself: the result under a slider, and the face board, where a click
 * writes the selection. Each folds away. A picture that is dropped onto it is loaded for it, a video
 * for Restore Faces in Video.
 *
 * @import { ComfyNode } from "../../scripts/app.js"
 */

import { NodeSlider } from "./compare.js";
import { NodeBoard } from "./face_board.js";
import { app } from "./shared/comfy.js";
import { takeDroppedFiles } from "./restore_image/dropped_files.js";
import { chain, isLinked } from "./shared/hooks.js";
import { loadText, text } from "./shared/text.js";

const RESTORE = "PaniniRestoreImage";
const RESTORE_FILM = "PaniniRestoreVideo";

/** @param {ComfyNode} node Restore Faces, just created */
function complete(node) {
  const result = new NodeSlider(
    node,
    { title: text("compare.title", "Before and after"), folded: false },
    () =>
      isLinked(node, "image")
        ? text("compare.run", "Run to compare.")
        : text("compare.drop", "Drop a picture here, or connect one. Then run."),
  );
  new NodeBoard(node, {
    chooses: true,
    fold: { title: text("face_board.title", "Faces"), folded: true },
  });
  chain(node, "onConnectionsChange", () => result.show(null));
  takeDroppedFiles(node, { input: "image", loader: "LoadImage", kind: "image" });
}

app.registerExtension({
  name: "Panini.RestoreImage",
  setup: loadText,
  nodeCreated(node) {
    if (node.comfyClass === RESTORE) complete(node);
    if (node.comfyClass === RESTORE_FILM) {
      takeDroppedFiles(node, { input: "video", loader: "LoadVideo", kind: "video" });
    }
  },
});
