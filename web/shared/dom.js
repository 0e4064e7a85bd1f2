/**
 * Elements of a page. Text is always set as text, never read as HTML.
 *
 * @typedef {Object} Properties every other property becomes an attribute; null, undefined and
 *   false leave it out, true sets it empty
 * @property {string} [class]
 * @property {string} [text] the content, as text
 * @property {Record<string, string | number>} [style] names as in CSS, custom ones too
 * @property {Record<string, (event: any) => void>} [on] listeners
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An HTML element with its children.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Properties & Record<string, any>} [properties]
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function create(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/**
 * An SVG element with its children.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Properties & Record<string, any>} [properties]
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function createSvg(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

/**
 * A small push button.
 * @param {string} face what is written on it
 * @param {string} label what it does, for the tooltip and for screen readers
 * @param {(event: MouseEvent) => void} action
 */
export function createButton(face, label, action) {
  return create("button", {
    class: "panini-button",
    type: "button",
    text: face,
    title: label,
    "aria-label": label,
    on: { click: action },
  });
}

/**
 * Sets attributes; null, undefined and false take them away.
 * @param {Element} element
 * @param {Record<string, any>} attributes
 */
export function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

/**
 * Calls a function with the size of an element (its own px, whatever the zoom of the canvas), now
 * and whenever it changes.
 * @param {HTMLElement} element
 * @param {(width: number, height: number) => void} onSize
 * @param {AbortSignal} signal ends it
 */
export function watchSize(element, onSize, signal) {
  const observer = new ResizeObserver(() => onSize(element.clientWidth, element.clientHeight));
  observer.observe(element);
  signal.addEventListener("abort", () => observer.disconnect(), { once: true });
}

function fill(element, properties, children) {
  const { class: names, text, style, on, ...attributes } = properties;
  if (names) element.setAttribute("class", names);
  if (text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(style ?? {})) {
    element.style.setProperty(name, String(value));
  }
  for (const [type, listener] of Object.entries(on ?? {})) element.addEventListener(type, listener);
  setAttributes(element, attributes);
  element.append(...children.filter((child) => child || child === ""));
  return element;
}
