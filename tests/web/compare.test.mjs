import assert from "node:assert/strict";
import test from "node:test";

import { keepable, mergePairs, nameFile, readPairs } from "../../web/compare/pairs.js";
import { Player } from "../../web/compare/player.js";
import {
  MOST_ZOOM,
  WHOLE,
  haveSameShape,
  lookAt,
  moveDivider,
  onStage,
  pan,
  wheelFactor,
  zoomAt,
} from "../../web/compare/view.js";

const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);
const fills = ({ scale, x, y }) => {
  for (const start of [x, y]) assert.ok(start <= 1e-9 && start + scale >= 1 - 1e-9);
};

test("what is under the pointer stays there when zooming in", () => {
  let view = WHOLE;
  for (const factor of [1.5, 2, 1.2, 0.9]) {
    const under = (0.7 - view.x) / view.scale;
    view = zoomAt(view, factor, 0.7, 0.2);
    near((0.7 - view.x) / view.scale, under);
    fills(view);
  }
});

test("the zoom has limits, and ends as it began", () => {
  const close = zoomAt(WHOLE, 1e6, 0.1, 0.9);
  assert.equal(close.scale, MOST_ZOOM);
  const back = zoomAt(close, 1e-6, 0.4, 0.4);
  assert.deepEqual([back.scale, back.x, back.y].map(Math.abs), [1, 0, 0]);
});

test("a zoomed picture can be moved to its edges, the whole one not at all", () => {
  const view = zoomAt(WHOLE, 4);
  assert.deepEqual(pan(view, 99, 99), { scale: 4, x: 0, y: 0 });
  assert.deepEqual(pan(view, -99, -99), { scale: 4, x: -3, y: -3 });
  near(pan(view, 0.1, 0).x, view.x + 0.1);
  assert.deepEqual(pan(WHOLE, 0.5, 0.5), { ...WHOLE });
});

test("a box on the stage is where the fitted picture shows it", () => {
  // A square picture on a stage twice as wide as high takes the middle half.
  assert.deepEqual(onStage([0, 0, 100, 100], [100, 100], 2), [0.25, 0, 0.75, 1]);
  assert.deepEqual(onStage([50, 50, 100, 100], [100, 100], 2), [0.5, 0.5, 0.75, 1]);
  // A wide one on a square stage is as wide as it.
  assert.deepEqual(onStage([0, 0, 400, 100], [400, 100], 1), [0, 0.375, 1, 0.625]);
});

test("a face is brought to the middle, unless it is at the edge", () => {
  const box = [0.4, 0.55, 0.5, 0.6];
  const view = lookAt(box);
  near(view.x + view.scale * 0.45, 0.5);
  near(view.y + view.scale * 0.575, 0.5);
  near((box[2] - box[0]) * view.scale, 0.5);
  fills(lookAt([0, 0, 0.05, 0.05]));
  assert.equal(lookAt([0, 0, 1, 1]).scale, 1);
  assert.equal(lookAt([0.5, 0.5, 0.5, 0.5]).scale, MOST_ZOOM);
});

test("the wheel zooms in upwards, the same by px as by lines", () => {
  assert.ok(wheelFactor({ deltaY: -100, deltaMode: 0 }) > 1);
  near(wheelFactor({ deltaY: 48, deltaMode: 0 }), wheelFactor({ deltaY: 3, deltaMode: 1 }));
});

test("keys move the divider within the stage", () => {
  assert.equal(moveDivider(0.5, "ArrowLeft", false), 0.48);
  assert.equal(moveDivider(0.5, "ArrowRight", true), 0.6);
  assert.equal(moveDivider(0.01, "ArrowLeft", true), 0);
  assert.equal(moveDivider(0.3, "End", false), 1);
  assert.equal(moveDivider(0.3, "Home", false), 0);
  for (const key of ["n", "Enter", "toString"]) assert.equal(moveDivider(0.5, key, false), null);
});

test("sizes of enlarged pictures have the same shape, others not", () => {
  assert.ok(haveSameShape([333, 500], [666, 1000]) && haveSameShape([333, 500], [167, 250]));
  assert.ok(!haveSameShape([100, 100], [100, 110]));
});

const IMAGE = { filename: "a.webp", subfolder: "", type: "temp" };
const pair = (faces = 0) => ({
  before: IMAGE,
  after: IMAGE,
  before_size: [10, 20],
  after_size: [20, 40],
  faces: Array.from({ length: faces }, (_, number) => ({ number, box: [0, 0, 5, 5] })),
});

test("pairs are read, kept and read again", () => {
  const all = readPairs({ total: 64, pairs: Array.from({ length: 64 }, () => pair(30)) });
  assert.deepEqual([all.total, all.pairs.length], [64, 64]);
  const kept = JSON.stringify(keepable(all));
  assert.ok(kept.length < 30000);
  const again = readPairs(JSON.parse(kept));
  assert.equal(again.total, 64);
  assert.deepEqual(again.pairs[0], all.pairs[0]);
});

test("pairs of several batches follow one another, each in its place", () => {
  const [first, second] = [3, 2].map((total) => readPairs({ total, pairs: [pair(1), pair()] }));
  const merged = mergePairs([first, second]);
  assert.equal(merged.total, 5);
  assert.deepEqual(
    merged.pairs.map(({ place, faces }) => [place, faces.length]),
    [
      [0, 1],
      [1, 0],
      [3, 1],
      [4, 0],
    ],
  );
  assert.deepEqual(readPairs(JSON.parse(JSON.stringify(keepable(merged)))), merged);
  assert.deepEqual(mergePairs([first]), first);
});

for (const payload of [
  ...[null, {}, { pairs: [] }, { pairs: [{ ...pair(), after: undefined }] }],
  ...[{ pairs: [{ ...pair(), before_size: [0, 1] }] }, { pairs: [{ ...pair(), faces: null }] }],
]) {
  test(`nothing is shown of ${JSON.stringify(payload)}`, () => {
    assert.equal(readPairs(payload), null);
  });
}

test("a saved picture has the ending of the file that is shown", () => {
  assert.equal(nameFile("after", 0, { filename: "panini_a.b_0001.webp" }), "after_1.webp");
  assert.equal(nameFile("before", 11, { filename: "none" }), "before_12");
});

/** A player that shows pictures into `shown` until there are enough of them. */
function play(enough) {
  const [shown, changes] = [[], []];
  const player = new Player({
    next: async () => void shown.push(shown.length),
    goesOn: () => shown.length < enough,
    onChange: (playing) => changes.push(playing),
  });
  return { player, shown, changes };
}

test("a player goes on until it must not", async () => {
  const { player, shown, changes } = play(3);
  await player.start();
  assert.equal(shown.length, 3);
  assert.deepEqual(changes, [true, false]);
  assert.equal(player.playing, false);
});

test("a player that was stopped and started again plays once, not twice", async () => {
  const { player, shown, changes } = play(Infinity);
  const first = player.start();
  player.toggle();
  player.stop(); // says nothing twice
  player.toggle();
  assert.equal(player.playing, true);
  await first; // its loop ended, though the player plays
  player.stop();
  assert.deepEqual(changes, [true, false, true, false]);
  assert.ok(shown.length <= 3);
});
