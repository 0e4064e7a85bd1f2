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

const face = (position) => ({ number: 0, position, severity: 0.5, nearest: [], text: "" });

test("every known degradation is a dot in the path of its class", () => {
  const paths = classPaths({
    labels: ["blur", "noise", "jpeg"],
    points: [[0, 0, 0], [1, 1, 1], [0.5, 0.5, 0], [0.5, 0.5, 9]],
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
  for (const corner of [[0.5, 0.5], [0, 0], [1, 0.3]]) {
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
