import assert from "node:assert/strict";
import { test } from "node:test";

import {
  SIDE,
  classColour,
  classPaths,
  placeBadges,
  severityColour,
  toMap,
} from "../../web/degradation_view/map.js";
import { keepable, mergeReports, readReport } from "../../web/degradation_view/report.js";

const face = (position) => ({ number: 0, position, severity: 0.5, nearest: [], text: "" });

test("every known degradation is a dot in the path of its class", () => {
  const paths = classPaths({
    labels: ["blur", "noise", "jpeg"],
    points: [
      [0, 0, 0],
      [1, 1, 1],
      [0.5, 0.5, 0],
      [0.5, 0.5, 9],
    ],
  });
  assert.equal(paths.length, 3);
  assert.equal(paths[0].split("M").length - 1, 2);
  assert.equal(paths[1], "M94 94h0");
  assert.equal(paths[2], "");
});

test("the map keeps what lies outside on its edge", () => {
  assert.equal(toMap(-3), toMap(0));
  assert.equal(toMap(3), toMap(1));
  assert.ok(toMap(0) > 0 && toMap(1) < SIDE);
});

test("faces lie where they belong if they are apart", () => {
  const [a, b, none] = placeBadges([face([0.1, 0.2]), face([0.9, 0.8]), face(null)]);
  assert.deepEqual(a, { x: toMap(0.1), y: toMap(0.2) });
  assert.deepEqual(b, { x: toMap(0.9), y: toMap(0.8) });
  assert.equal(none, null);
});

test("faces at one place can all be seen, and stay on the map", () => {
  for (const corner of [
    [0.5, 0.5],
    [0, 0],
    [1, 0.3],
  ]) {
    const badges = placeBadges(Array.from({ length: 5 }, () => face(corner)));
    badges.forEach((a, index) => {
      assert.ok(a.x >= 0 && a.x <= SIDE && a.y >= 0 && a.y <= SIDE);
      for (const b of badges.slice(index + 1)) {
        assert.ok(Math.hypot(a.x - b.x, a.y - b.y) > 4, "two badges cover each other");
      }
    });
  }
});

test("colours go round, and from green to red", () => {
  assert.equal(classColour(8), classColour(0));
  assert.equal(new Set([0, 1, 2, 3, 4, 5, 6, 7].map(classColour)).size, 8);
  assert.match(severityColour(0), /^hsl\(130 /);
  assert.match(severityColour(1.7), /^hsl\(0 /);
});

const ATLAS = {
  labels: ["blur", "noise"],
  points: [
    [0.1, 0.2, 0],
    [0.3, 0.4, 1],
  ],
};

test("a report is read as it was sent, and read again as it was kept", () => {
  const payload = { version: 1, atlas: ATLAS, faces: [face([0.5, 0.6]), face(null)], count: 2 };
  const { version, ...expected } = payload;
  const report = readReport(payload);
  assert.deepEqual(report, expected);
  assert.deepEqual(readReport(JSON.parse(JSON.stringify(keepable(report)))), report);
  const plain = readReport({ atlas: null, faces: [], count: 3 });
  assert.deepEqual(plain, { atlas: null, faces: [], count: 3 });
  assert.deepEqual(keepable(plain), plain);
});

test("faces of several runs are numbered through, on the first map that there is", () => {
  const [none, two, one] = [
    { atlas: null, faces: [], count: 0 },
    { atlas: ATLAS, faces: [face([0.5, 0.6]), { ...face(null), number: 1 }], count: 4 },
    { atlas: { labels: [], points: [] }, faces: [face([0.1, 0.1])], count: 1 },
  ].map(readReport);
  const merged = mergeReports([none, two, one]);
  assert.deepEqual(
    merged.faces.map(({ number }) => number),
    [0, 1, 4],
  );
  assert.deepEqual([merged.atlas, merged.count], [two.atlas, 5]);
  assert.deepEqual(mergeReports([two]), two);
});

for (const payload of [null, undefined, {}, { faces: "many" }, { atlas: ATLAS }]) {
  test(`there is no report in ${JSON.stringify(payload)}`, () => {
    assert.equal(readReport(payload), null);
  });
}

test("of a report only what can be drawn is read", () => {
  const odd = { number: "x", position: [1], severity: 7, nearest: [["a"], ["b", 0.5]] };
  const atlas = { labels: ["blur"], points: [[0.5, 0.5, 0], "x"] };
  const report = readReport({ atlas, faces: [odd, null], count: "many" });
  assert.deepEqual(report.atlas.points, [[0.5, 0.5, 0]]);
  const read = { number: 0, position: null, severity: 1, nearest: [["b", 0.5]], text: "" };
  assert.deepEqual(report.faces, [read]);
  assert.equal(report.count, 1);
});

test("what is kept of many faces and a large atlas is small, and tells how many there were", () => {
  const labels = ["blur", "noise", "jpeg"];
  const points = Array.from({ length: 5000 }, (_, n) => [0.123, 0.456, Math.floor(n / 2000)]);
  const text = "mostly blurred, somewhat noisy, and of a low resolution";
  const faces = Array.from({ length: 500 }, (_, number) => ({ ...face([0.1, 0.2]), number, text }));
  const kept = keepable(readReport({ atlas: { labels, points }, faces, count: 500 }));
  assert.ok(JSON.stringify(kept).length < 30000);
  assert.deepEqual(kept.faces, faces.slice(0, kept.faces.length));
  assert.equal(kept.count, 500);
  const classes = new Set(kept.atlas.points.map(([, , label]) => label));
  assert.deepEqual([...classes], [0, 1, 2]);
});
