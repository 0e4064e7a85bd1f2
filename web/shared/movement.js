/**
 * A change of numbers that takes a while, such as a drag or a key that is held.
 *
 * @import { ComfyNode } from "../../../scripts/app.js"
 */

import { changeGraph } from "./comfy.js";
import { chain } from "./hooks.js";

/**
 * Numbers are written once, when their movement is over: so it is one step of undo, whenever the
 * front end takes a state of the graph (it does so at any time, even while a change is open). A
 * movement ends when the pointer or the key is let go, wherever that is, and before a shortcut; one
 * of a node that is removed is forgotten.
 */
export class Movement {
  /**
   * @param {ComfyNode} node that is written
   * @param {(name: string, value: number) => void} write
   */
  constructor(node, write) {
    this.write = write;
    /** @type {Map<string, number>} what will be written */
    this.values = new Map();
    this.end = this.end.bind(this);
    this.onKey = this.onKey.bind(this);
    chain(node, "onRemoved", () => this.close());
  }

  /**
   * Moves a number; it will be written when the movement is over.
   * @param {string} name
   * @param {number} value
   */
  move(name, value) {
    if (!this.values.size) this.listen("addEventListener");
    this.values.set(name, value);
  }

  /** Writes what was moved; to be called where neither pointer nor key will tell. */
  end() {
    const values = this.close();
    if (!values.size) return;
    changeGraph(() => {
      for (const [name, value] of values) this.write(name, value);
    });
  }

  /** Forgets what was moved; gives it. */
  close() {
    const { values } = this;
    this.values = new Map();
    this.listen("removeEventListener");
    return values;
  }

  /** @param {"addEventListener" | "removeEventListener"} method */
  listen(method) {
    // An element that is taken away loses the pointer, too, but cannot tell: so all is heard here.
    window[method]("lostpointercapture", this.end, true);
    window[method]("keyup", this.onKey, true);
    window[method]("keydown", this.onKey, true);
    window[method]("blur", this.end); // the window's own: those of elements do not come here
  }

  /**
   * Keys that are let go, except Shift, which changes a movement; and shortcuts, such as undo.
   * @param {Event} event
   */
  onKey(event) {
    const { type, key, ctrlKey, metaKey, altKey } = /** @type {KeyboardEvent} */ (event);
    const over = type === "keyup" ? key !== "Shift" : ctrlKey || metaKey || altKey;
    if (over) this.end();
  }
}
