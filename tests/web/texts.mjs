/**
 * The texts in the code of the widgets as sections for locales/<language>/main.json, to standard
 * output; run it as `node tests/web/texts.mjs`.
 */

import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const WEB = new URL("../../web/", import.meta.url);
const STRING = /"(?:[^"\\]|\\.)*"/.source;
const CALL = new RegExp(`\\btext\\(\\s*(${STRING}),\\s*(${STRING}(?:\\s*\\+\\s*${STRING})*)`, "g");

/** @returns {Record<string, string>} English by key, sorted */
export function textsOfCode() {
  const files = readdirSync(WEB, { recursive: true }).filter((name) => name.endsWith(".js"));
  const sources = files.map((name) =>
    readFileSync(new URL(name.replaceAll("\\", "/"), WEB), "utf8"),
  );
  const calls = sources.flatMap((source) => [...source.matchAll(CALL)]);
  const texts = calls.map(([, key, english]) => [JSON.parse(key), joined(english)]);
  return Object.fromEntries(texts.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * @param {Record<string, string>} texts by keys with dots
 * @returns {Record<string, Record<string, string>>} by section and name
 */
export function inSections(texts) {
  const sections = {};
  for (const [key, value] of Object.entries(texts)) {
    const [section, name] = key.split(".");
    (sections[section] ??= {})[name] = value;
  }
  return sections;
}

function joined(expression) {
  return [...expression.matchAll(new RegExp(STRING, "g"))]
    .map(([part]) => JSON.parse(part))
    .join("");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const main = { panini: inSections(textsOfCode()) };
  process.stdout.write(`${JSON.stringify(main, null, 2)}\n`);
}
