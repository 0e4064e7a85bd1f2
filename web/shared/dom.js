/**
 * Elements of a page. Text is always set as text, never read as HTML.
 *
 * @typedef {Object} KnownProperties
 * @property {string} [class]
 * @property {string} [text] the content, as text
 * @property {Record<string, string | number>} [style] names as in CSS, custom ones too
 * @property {Listeners} [on]
 *
 * @typedef {{[Type in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[Type]) => void}}
 *   Listeners
 *
 * @typedef {KnownProperties & Record<string, unknown>} Properties every other property becomes an
 *   attribute; null, undefined and false leave it out, true sets it empty
 *
 * @typedef {Node | string | null | undefined | false} Child
 */

import { fitInto } from "./fit.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * An HTML element with its children.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Properties} [properties]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function create(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/**
 * An SVG element with its children.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Properties} [properties]
 * @param {...Child} children
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
 * @param {Record<string, unknown>} attributes
 */
export function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

/**
 * Keeps the custom properties --fit-left, --fit-top, --fit-width and --fit-height of a stage, px,
 * such that what is as large as they say shows the whole picture as large as can be.
 * @param {HTMLElement} stage
 * @param {() => [width: number, height: number] | null} size of the picture
 * @param {(place: {width: number, height: number}) => void} [onFitted] gets the size in px
 * @returns {() => void} to be called when the picture's size changed
 */
export function keepFitted(stage, size, onFitted) {
  const fitPicture = () => {
    const picture = size();
    if (!picture) return;
    const place = fitInto(picture, stage.clientWidth, stage.clientHeight);
    for (const [side, length] of Object.entries(place)) {
      stage.style.setProperty(`--fit-${side}`, `${length}px`);
    }
    onFitted?.(place);
  };
  new ResizeObserver(fitPicture).observe(stage);
  return fitPicture;
}

/**
 * @template {HTMLElement | SVGElement} Filled
 * @param {Filled} element
 * @param {Properties} properties
 * @param {Child[]} children
 */
function fill(element, properties, children) {
  const { class: names, text, style, on, ...attributes } = properties;
  if (names) element.setAttribute("class", names);
  if (text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(style ?? {})) {
    element.style.setProperty(name, String(value));
  }
  const listeners = /** @type {[string, EventListener][]} */ (Object.entries(on ?? {}));
  for (const [type, listener] of listeners) element.addEventListener(type, listener);
  setAttributes(element, attributes);
  element.append(
    ...children.filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}
