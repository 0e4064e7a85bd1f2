import assert from "node:assert/strict";
import test from "node:test";

import {
  keepable,
  lastNumber,
  mergeFrames,
  placeBoxes,
  readFrames,
} from "../../web/face_board/frames.js";
import {
  judgeFaces,
  namedFaces,
  parseRule,
  recallVerdicts,
  toggleFace,
  writeRule,
} from "../../web/face_board/selection.js";

const IMAGE = { filename: "a.webp", subfolder: "", type: "temp" };
// Face 0 is the largest, face 3 the one nearest to the middle.
const BOXES = [
  [0, 0, 90, 90],
  [150, 10, 200, 60],
  [10, 150, 60, 200],
  [90, 90, 120, 120],
  [190, 190, 200, 200],
];
const FRAME = {
  width: 200,
  height: 200,
  faces: BOXES.map((box, number) => ({ number, box })),
  missed: [],
};
const LAST = 4;
const sent = (faces) => ({ image: IMAGE, width: 10, height: 20, faces });
const face = (number) => ({
  ...{ number, box: [0, 0, 5, 5], score: 0.9, size: 5 },
  ...{ severity: null, selected: true },
});
const known = (number) => ({
  ...face(number),
  ...{ area: null, fromMiddle: null, filled: false, leftAlone: false },
});

for (const [rule, expected] of [
  [" All ", "all"],
  ["CENTRE", "centre"],
  ["CENTER", "centre"],
  ["0", [0]],
  [" 0 , 2,4 - 6 ", [0, 2, 4, 5, 6]],
  ["3-3,3", [3]],
  ["9999", [9999]],
]) {
  test(`the rule ${JSON.stringify(rule)} can be read`, () => {
    const parsed = parseRule(rule);
    assert.deepEqual(parsed instanceof Set ? [...parsed] : parsed, expected);
  });
}

for (const rule of ["", " ", ",", "1,", "a", "2-1", "-1", "1.5", "10000", "1-", "all,1", "1 2"]) {
  test(`the rule ${JSON.stringify(rule)} is refused`, () => assert.equal(parseRule(rule), null));
}

for (const [rule, expected] of [
  ["all", [0, 1, 2, 3, 4]],
  ["none", []],
  ["largest", [0]],
  ["centre", [3]],
  ["center", [3]],
  ["1,3-9", [1, 3, 4]],
  ["nonsense", []],
]) {
  test(`${rule} names faces as the node does`, () => {
    assert.deepEqual([...namedFaces(rule, FRAME)], expected);
  });
}

test("no rule names a face of an empty frame", () => {
  for (const rule of ["all", "largest", "centre", "0"]) {
    assert.equal(namedFaces(rule, { ...FRAME, faces: [] }).size, 0);
  }
});

test("of equals the first is named, as by the node", () => {
  const twins = { ...FRAME, faces: [0, 1].map((number) => ({ number, box: [0, 0, 9, 9] })) };
  assert.deepEqual([...namedFaces("largest", twins)], [0]);
  assert.deepEqual([...namedFaces("centre", twins)], [0]);
});

test("of the named faces the first ones are kept", () => {
  assert.deepEqual(
    [...judgeFaces("1-9", FRAME, 2)],
    [
      [0, "left out"],
      [1, "kept"],
      [2, "kept"],
      [3, "over the limit"],
      [4, "over the limit"],
    ],
  );
  assert.ok([...judgeFaces("all", FRAME, 0).values()].every((verdict) => verdict === "kept"));
});

test("a face that no landmarks fit is left alone, whatever is selected", () => {
  const faces = [{ ...face(0), box: [0, 0, 9, 9], reliable: false, selected: false }, face(1)];
  const read = readFrames({ frames: [sent(faces)] });
  const kept = readFrames(JSON.parse(JSON.stringify(keepable(read))));
  for (const { frames } of [read, kept]) {
    for (const rule of ["all", "0-1", "largest", "centre"]) {
      assert.deepEqual([...namedFaces(rule, frames[0])], [1]);
      assert.deepEqual(
        [...judgeFaces(rule, frames[0], 1)],
        [
          [0, "left alone"],
          [1, "kept"],
        ],
      );
    }
    assert.equal(recallVerdicts(frames[0]).get(0), "left alone");
  }
});

test("a run tells which faces it kept, and keeps those that it says nothing about", () => {
  const faces = [{ ...face(0), selected: false }, face(1), { ...face(2), selected: undefined }];
  const [frame] = readFrames({ frames: [sent(faces)] }).frames;
  const verdicts = [...recallVerdicts(frame)];
  assert.deepEqual(verdicts, [
    [0, "left out"],
    [1, "kept"],
    [2, "kept"],
  ]);
});

for (const [rule, number, expected] of [
  ["all", 2, "0,1,3,4"],
  ["0,1,3,4", 2, "all"],
  ["none", 2, "2"],
  ["2", 2, "none"],
  ["largest", 4, "0,4"],
  ["largest", 0, "none"],
  ["center", 1, "1,3"],
  ["0-3", 1, "0,2,3"],
  ["1,50", 2, "1,2,50"],
  ["nonsense", 1, "1"],
]) {
  test(`a click on face ${number} makes ${expected} of ${rule}`, () => {
    assert.equal(toggleFace(rule, number, FRAME, LAST), expected);
  });
}

test("two clicks on a face name the same faces as before, whatever the text", () => {
  for (let bits = 0; bits < 32; bits += 1) {
    const before = new Set([0, 1, 2, 3, 4].filter((number) => bits & (1 << number)));
    for (let number = 0; number <= LAST; number += 1) {
      const once = toggleFace(writeRule(before, LAST), number, FRAME, LAST);
      assert.notEqual(namedFaces(once, FRAME).has(number), before.has(number));
      const twice = toggleFace(once, number, FRAME, LAST);
      assert.deepEqual(namedFaces(twice, FRAME), before);
      assert.equal(twice, writeRule(before, LAST));
    }
  }
});

test("runs of three and more are written as ranges", () => {
  assert.equal(writeRule(new Set([6, 5, 4, 2, 0]), 9), "0,2,4-6");
  assert.equal(writeRule(new Set([0, 1]), 9), "0,1");
});

test("frames are read as they are sent, without what is not needed", () => {
  const { total, frames } = readFrames({
    total_frames: 3,
    frames: [sent([{ ...face(0), index: 7 }]), sent([])],
  });
  assert.equal(total, 3);
  assert.deepEqual(frames[0].faces, [known(0)]);
  assert.deepEqual(frames[1].faces, []);
});

for (const [sort, expected] of [
  ["confidence", "confidence"],
  [null, null],
  [undefined, null],
]) {
  test(`frames come with the order ${sort}, and keep it`, () => {
    const read = readFrames({ frames: [sent([face(0)])], sort });
    assert.equal(read.sort, expected);
    assert.deepEqual(readFrames(JSON.parse(JSON.stringify(keepable(read)))), read);
  });
}

test("in a clip the largest face and the middle one are those of all frames", () => {
  const [left, right] = [face(0), face(1)].map((one, index) => ({
    ...{ ...one, box: index ? [4, 4, 9, 9] : [0, 0, 3, 3] },
    ...{ area: index ? 10 : 90, from_middle: index ? 8 : 3, filled: index === 1 },
  }));
  const read = readFrames({ frames: [sent([left, right])] });
  const kept = readFrames(JSON.parse(JSON.stringify(keepable(read))));
  for (const { frames } of [read, kept]) {
    assert.deepEqual([...namedFaces("largest", frames[0])], [0]);
    assert.deepEqual([...namedFaces("centre", frames[0])], [0]);
    assert.deepEqual(
      frames[0].faces.map(({ filled }) => filled),
      [false, true],
    );
  }
});

test("whom a frame of a clip misses for a moment keeps its place", () => {
  const here = { ...face(1), area: 10, from_middle: 8 };
  const missed = [{ number: 0, area: 90, from_middle: 3 }];
  const read = readFrames({ frames: [{ ...sent([here]), missed }] });
  const kept = readFrames(JSON.parse(JSON.stringify(keepable(read))));
  for (const { frames } of [read, kept]) {
    assert.equal(judgeFaces("largest", frames[0]).get(1), "left out");
    assert.equal(judgeFaces("centre", frames[0]).get(1), "left out");
    assert.equal(judgeFaces("all", frames[0], 1).get(1), "over the limit");
    assert.equal(judgeFaces("all", frames[0]).get(1), "kept");
    assert.equal(judgeFaces("1", frames[0], 1).get(1), "kept");
    assert.equal(toggleFace("largest", 1, frames[0], 5), "0,1");
  }
});

test("values of a face that are not numbers are unknown", () => {
  const odd = { number: 0, box: [0, 0, 5, 5], score: "high", size: undefined };
  const [read] = readFrames({ frames: [sent([odd])] }).frames[0].faces;
  assert.deepEqual([read.score, read.size, read.severity], [null, null, null]);
});

for (const payload of [
  ...[null, undefined, {}, { frames: "x" }, { frames: [] }, { frames: [null] }],
  ...[{ frames: [{ ...sent([]), width: 0 }] }, { frames: [{ ...sent([]), image: null }] }],
  { frames: [sent([{ number: 0, box: [1, 2, 3] }])] },
]) {
  test(`nothing is shown of ${JSON.stringify(payload)}`, () => {
    assert.equal(readFrames(payload), null);
  });
}

test("frames behind one that cannot be read keep their places by being left out", () => {
  const { frames, total } = readFrames({ total_frames: 3, frames: [sent([]), {}, sent([])] });
  assert.deepEqual([frames.length, total], [1, 3]);
});

test("frames of several batches follow one another, each in its place", () => {
  const sizes = [
    [3, [sent([face(0)])]],
    [2, [sent([]), sent([face(0), face(1)])]],
  ];
  const [first, second] = sizes.map(([total_frames, frames]) =>
    readFrames({ total_frames, sort: "left to right", frames }),
  );
  const merged = mergeFrames([first, second]);
  assert.deepEqual([merged.total, merged.sort], [5, "left to right"]);
  assert.deepEqual(
    merged.frames.map(({ place, faces }) => [place, faces.length]),
    [
      [0, 1],
      [3, 0],
      [4, 2],
    ],
  );
  assert.deepEqual(readFrames(JSON.parse(JSON.stringify(keepable(merged)))), merged);
  assert.equal(mergeFrames([first, { ...second, sort: "largest first" }]).sort, null);
  assert.deepEqual(mergeFrames([second]), second);
});

test("the last number is that of all frames, or any if some are not here", () => {
  const frames = [sent([face(0)]), sent([face(0), face(1), face(2)])];
  assert.equal(lastNumber({ total: 2, frames }), 2);
  assert.equal(lastNumber({ total: 3, frames }), 9999);
  assert.equal(lastNumber({ total: 1, frames: [sent([])] }), -1);
});

test("a face left out of an incomplete batch leaves the faces of unseen frames in", () => {
  assert.equal(toggleFace("all", 1, FRAME, 9999), "0,2-9999");
  assert.equal(toggleFace("0,2-9999", 1, FRAME, 9999), "all");
});

test("what is kept with a workflow is small, and read again as it was", () => {
  const many = Array.from({ length: 60 }, (_, number) => face(number));
  const all = readFrames({
    total_frames: 64,
    frames: Array.from({ length: 64 }, () => sent(many)),
  });
  const kept = keepable(all);
  assert.ok(JSON.stringify(kept).length < 30000);
  const again = readFrames(JSON.parse(JSON.stringify(kept)));
  assert.equal(again.total, 64);
  assert.deepEqual(again.frames, all.frames.slice(0, again.frames.length));
  const crowd = readFrames({ frames: [sent(Array.from({ length: 500 }, (_, n) => face(n)))] });
  assert.equal(keepable(crowd).frames.length, 1);
});

test("boxes lie on the frame, the small ones over the large ones", () => {
  const frame = {
    width: 100,
    height: 50,
    faces: [
      { number: 0, box: [10, 5, 20, 10] },
      { number: 1, box: [-10, 0, 120, 60] },
    ],
  };
  const [small, large] = placeBoxes(frame);
  assert.deepEqual([small.left, small.top, small.width, small.height], [10, 10, 10, 10]);
  assert.deepEqual([large.left, large.top, large.width, large.height], [0, 0, 100, 100]);
  assert.ok(small.order > large.order);
});
