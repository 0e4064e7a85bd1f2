import assert from "node:assert/strict";
import { test } from "node:test";

import { movePerFace, parsePerFace } from "../../web/face_board/per_face.js";

for (const [text, expected] of [
  ["", []],
  [" ; ", []],
  ["2: 0.5", [[2, 0.5]]],
  [
    "0,2: .25; 4-5: 1",
    [
      [0, 0.25],
      [2, 0.25],
      [4, 1],
      [5, 1],
    ],
  ],
  [
    "\uff12\uff1a0.5\uff1b3\uff1a0",
    [
      [2, 0.5],
      [3, 0],
    ],
  ],
]) {
  test(`${JSON.stringify(text)} is read as the node reads it`, () => {
    assert.deepEqual([...parsePerFace(text)], expected);
  });
}

for (const text of [
  "0.5",
  "2: 0.5; 0.8",
  "2: 0.5; 1-3: 0",
  "largest: 0.5",
  "2: 1.5",
  "2:",
  "2: x",
]) {
  test(`${JSON.stringify(text)} is refused as by the node`, () => {
    assert.equal(parsePerFace(text), null);
    assert.equal(movePerFace(text, 0, 0.1, 1), null);
  });
}

test("a face gets a value of its own, beginning with the usual one", () => {
  assert.equal(movePerFace("", 2, -0.05, 1), "2: 0.95");
  assert.equal(movePerFace("2: 0.95", 2, -0.05, 1), "2: 0.9");
  assert.equal(movePerFace("2: 0.9", 0, -0.1, 1), "0,2: 0.9");
});

test("a face with the usual value needs none of its own", () => {
  assert.equal(movePerFace("0: 0.95; 2: 0.5", 0, 0.05, 1), "2: 0.5");
  assert.equal(movePerFace("2: 0.5", 2, 0.1, 0.6), "");
});

test("values stay within their range", () => {
  assert.equal(movePerFace("2: 0.02", 2, -0.05, 1), "2: 0");
  assert.equal(movePerFace("2: 0.98", 2, 0.05, 0.5), "2: 1");
});
