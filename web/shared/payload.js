/**
 * What the nodes send to their widgets, and the references to pictures in it.
 *
 * @typedef {Object} FileReference
 * @property {string} filename
 * @property {string} subfolder
 * @property {string} type
 */

/** The only version of the payloads that these widgets can read. */
const VERSION = 1;

/**
 * The payloads out of a node's output that can be read: one for each time that the node ran. With
 * lists at its inputs it runs several times, and ComfyUI joins what it sent.
 * @param {unknown} output of `onExecuted`
 * @param {string} key such as panini_faces
 * @returns {Record<string, any>[]}
 */
export function readPayloads(output, key) {
  /** @type {unknown[]} */
  const sent = isObject(output) && Array.isArray(output[key]) ? output[key] : [];
  return sent.filter((payload) => isObject(payload)).filter(({ version }) => version === VERSION);
}

/**
 * What was kept in a node's properties under a name, or null if there is nothing to be read.
 * @param {{properties?: Record<string, any>}} node
 * @param {string} name
 * @returns {Record<string, any> | null}
 */
export function readKept(node, name) {
  const kept = node.properties?.[name];
  return isObject(kept) && kept.version === VERSION ? kept : null;
}

/**
 * Keeps something in a node's properties, beside what is kept under that name already: it is saved
 * with the workflow, so it must be small.
 * @param {{properties?: Record<string, any>}} node
 * @param {string} name
 * @param {Record<string, unknown>} values plain data
 */
export function keep(node, name, values) {
  node.properties ??= {};
  node.properties[name] = { ...readKept(node, name), version: VERSION, ...values };
}

/**
 * The route of a picture on the server.
 * @param {FileReference} reference
 */
export function viewPath({ filename, subfolder, type }) {
  return `/view?${new URLSearchParams({ filename, subfolder, type })}`;
}

/**
 * @param {unknown} value
 * @returns {value is FileReference}
 */
export function isReference(value) {
  return (
    isObject(value) && ["filename", "subfolder", "type"].every((k) => typeof value[k] === "string")
  );
}

/**
 * The place of a picture among all that there are: what was kept, or where it was sent.
 * @param {unknown} kept
 * @param {number} index
 */
export function readPlace(kept, index) {
  return typeof kept === "number" && Number.isInteger(kept) && kept >= index ? kept : index;
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, any>}
 */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Whether a value is so many finite numbers.
 * @param {unknown} value
 * @param {number} count
 * @returns {value is number[]}
 */
export function areNumbers(value, count) {
  return Array.isArray(value) && value.length === count && value.every(Number.isFinite);
}
