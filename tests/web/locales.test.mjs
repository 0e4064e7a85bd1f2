import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const locale = (language, file) => JSON.parse(read(`locales/${language}/${file}.json`));

/** The entries of a list in the code: each begins with its id; texts are plain strings. */
function entriesOf(path, names) {
  const found = {};
  for (const block of read(path)
    .split(/\n\s+id: "/)
    .slice(1)) {
    const id = block.slice(0, block.indexOf('"'));
    const texts = names.map((name) => [
      name,
      block.match(new RegExp(`\\n\\s+${name}: "(.*)",`))?.[1],
    ]);
    found[id.replaceAll(".", "_")] = Object.fromEntries(texts.filter(([, text]) => text));
  }
  return found;
}

function shape(value) {
  if (typeof value === "string") return "text";
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)]));
}

test("English commands are those of the code", () => {
  assert.deepEqual(locale("en", "commands"), entriesOf("web/commands.js", ["label"]));
});

test("English settings are those of the code, and options say what they are", () => {
  const settings = locale("en", "settings");
  for (const setting of Object.values(settings)) {
    for (const [option, text] of Object.entries(setting.options ?? {})) assert.equal(text, option);
    delete setting.options;
  }
  assert.deepEqual(settings, entriesOf("web/settings.js", ["name", "tooltip"]));
});

for (const file of ["commands", "settings"]) {
  test(`${file}: Chinese has the same keys, and words of its own`, () => {
    const [english, chinese] = [locale("en", file), locale("zh", file)];
    assert.deepEqual(shape(chinese), shape(english));
    assert.match(JSON.stringify(chinese), /\p{Script=Han}/u);
  });
}
