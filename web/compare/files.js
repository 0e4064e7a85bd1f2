/**
 * The buttons that open and save the pictures that are compared.
 *
 * @import { Pair } from "./pairs.js"
 *
 * @typedef {Object} Shown
 * @property {{before: string, after: string}} urls
 * @property {Pair} pair
 */

import { create, createButton } from "../shared/dom.js";
import { text } from "../shared/text.js";
import { nameFile } from "./pairs.js";

const KEPT_MS = 60_000; // of a picture that is being saved

/** @param {() => Shown | null} shown what is shown when a button is pressed */
export function createFileButtons(shown) {
  const act = (/** @type {(url: string, name: string) => void} */ action) => {
    return (/** @type {MouseEvent} */ { shiftKey }) => {
      const pictures = shown();
      if (!pictures) return;
      const side = shiftKey ? "before" : "after";
      action(pictures.urls[side], nameFile(side, pictures.pair.place, pictures.pair[side]));
    };
  };
  return create(
    "div",
    { class: "panini-row" },
    createButton(
      "↗",
      text("compare.open", "Open the picture after (Shift: before) in a new tab"),
      act((url) => window.open(url, "_blank", "noopener")),
    ),
    createButton(
      "↓",
      text("compare.save", "Save the picture after (Shift: before), as it is shown"),
      act(save),
    ),
  );
}

/**
 * Lets the browser save a picture under a name; that of a link would be the server's.
 * @param {string} url
 * @param {string} download the name
 */
async function save(url, download) {
  const answer = await fetch(url);
  if (!answer.ok) return; // deleted meanwhile
  const href = URL.createObjectURL(await answer.blob());
  create("a", { href, download }).click();
  setTimeout(() => URL.revokeObjectURL(href), KEPT_MS);
}
