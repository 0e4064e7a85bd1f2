/**
 * A text within nested sections, or undefined.
 * @param {Record<string, any>} sections
 * @param {string} key sections and name, with dots between
 * @returns {string | undefined}
 */
export function lookUp(sections, key) {
  const found = key.split(".").reduce((section, name) => section?.[name], sections);
  return typeof found === "string" ? found : undefined;
}

/**
 * Puts values in the place of {names}; names without a value stay.
 * @param {string} phrase
 * @param {Record<string, string | number>} values
 */
export function fillIn(phrase, values) {
  return phrase.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}
