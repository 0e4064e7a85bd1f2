/** A part of a node that folds away under its title. It knows nothing of nodes. */

import { create } from "./dom.js";

export const HEAD_HEIGHT = 22; // px, of the title

export class Fold {
  /**
   * @param {string} title
   * @param {HTMLElement} content
   * @param {boolean} folded
   * @param {() => void} onToggle it is to be folded or unfolded
   */
  constructor(title, content, folded, onToggle) {
    this.content = content;
    this.note = create("span", { class: "panini-line panini-faint panini-grow" });
    this.head = create(
      "button",
      {
        class: "panini-fold",
        type: "button",
        on: {
          click: onToggle,
          keydown: (event) => {
            if ([" ", "Enter"].includes(event.key)) event.stopPropagation(); // becomes a click
          },
        },
      },
      create("span", { text: title }),
      this.note,
    );
    content.classList.add("panini-folding");
    this.element = create("div", {}, this.head, content);
    this.folded = folded;
    this.set(folded);
  }

  /** @param {boolean} folded */
  set(folded) {
    this.folded = folded;
    this.content.hidden = folded;
    this.head.setAttribute("aria-expanded", String(!folded));
  }

  /** @param {string} text beside the title */
  tell(text) {
    this.note.textContent = text;
    this.note.title = text;
  }
}
