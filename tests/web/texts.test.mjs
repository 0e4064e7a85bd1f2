import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { inSections, textsOfCode } from "./texts.mjs";

const read = (language) =>
  JSON.parse(readFileSync(new URL(`../../locales/${language}/main.json`, import.meta.url), "utf8"))
    .panini;
const names = (value) => [...value.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
const texts = textsOfCode();

test("there are texts, each with a section and a name", () => {
  const keys = Object.keys(texts);
  assert.ok(keys.length > 40);
  for (const key of keys) assert.match(key, /^[a-z_]+\.[a-z_]+$/);
});

test("the English file says what the code says (node tests/web/texts.mjs writes it)", () => {
  assert.deepEqual(read("en"), inSections(texts));
});

for (const language of ["zh"]) {
  test(`${language} has every text, with the same values in it`, () => {
    const translated = read(language);
    for (const [section, entries] of Object.entries(inSections(texts))) {
      assert.deepEqual(Object.keys(translated[section] ?? {}).sort(), Object.keys(entries).sort());
      for (const [name, english] of Object.entries(entries)) {
        assert.deepEqual(names(translated[section][name]), names(english), `${section}.${name}`);
      }
    }
    assert.deepEqual(Object.keys(translated).sort(), Object.keys(inSections(texts)).sort());
  });
}
