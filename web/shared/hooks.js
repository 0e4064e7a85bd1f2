/**
 * Lets a method of an object also do something else, after what it did before.
 * @param {Record<string, any>} owner a node or a widget
 * @param {string} method such as onExecuted
 * @param {(this: any, ...parameters: any[]) => void} addition
 */
export function chain(owner, method, addition) {
  const previous = owner[method];
  owner[method] = function (...parameters) {
    const result = previous?.apply(this, parameters);
    addition.apply(this, parameters);
    return result;
  };
}

/**
 * The widget of a node with this name, if it has one.
 * @param {any} node
 * @param {string} name
 */
export function findWidget(node, name) {
  return node.widgets?.find((widget) => widget.name === name);
}

/**
 * Whether an input gets its value over a link, so that its widget is not asked.
 * @param {any} node
 * @param {string} name
 */
export function isLinked(node, name) {
  const slot = node.inputs?.findIndex((input) => input.name === name) ?? -1;
  return slot >= 0 && node.isInputConnected(slot);
}
