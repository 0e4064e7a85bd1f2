/**
 * The texts of the widgets, in the language of the front end.
 *
 * English stands in the code; other languages come from the section `panini` of
 * `locales/<language>/main.json`, which ComfyUI serves, and the names of values that can be chosen
 * from its section `panini_values`.
 */

import { api, setting } from "./comfy.js";
import { fillIn, lookUp } from "./phrases.js";

/** @type {Record<string, any>} */
let phrases = {};
/** @type {Record<string, string>} */
let values = {};
/** @type {Promise<void> | null} */
let loading = null;

/**
 * Reads the texts of the chosen language; to be awaited in `setup`, before any widget is made.
 * Without them the widgets speak English.
 */
export function loadText() {
  loading ??= load();
  return loading;
}

/**
 * A text in the chosen language.
 * @param {string} key within the section `panini`, such as face_board.run
 * @param {string} english with {names} for what is given
 * @param {Record<string, string | number>} [given]
 */
export function text(key, english, given = {}) {
  return fillIn(lookUp(phrases, key) ?? english, given);
}

/**
 * What a value of a choice is called in the chosen language; undefined where it has no other name.
 * @param {string} value
 * @returns {string | undefined}
 */
export function valueLabel(value) {
  return Object.hasOwn(values, value) ? values[value] : undefined;
}

async function load() {
  const locale = String(setting("Comfy.Locale") ?? "en");
  if (locale === "en") return;
  try {
    const response = await api.fetchApi("/i18n");
    const all = response.ok ? await response.json() : {};
    phrases = all[locale]?.panini ?? {};
    values = all[locale]?.panini_values ?? {};
  } catch (error) {
    console.warn("Panini: no translations, the widgets stay English.", error);
  }
}
