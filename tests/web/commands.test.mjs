import assert from "node:assert/strict";
import { test } from "node:test";

import { BY_STAGES, WHOLE_IMAGE, arrange, splitEnd, wayDown } from "../../web/commands/chain.js";

for (const [name, plan] of Object.entries({ WHOLE_IMAGE, BY_STAGES })) {
  test(`${name}: every node has a place and a type, and links go between them to the right`, () => {
    const placed = plan.columns.flat();
    assert.deepEqual(placed.toSorted(), Object.keys(plan.types).toSorted());
    const order = ["source", ...placed];
    for (const [from, to] of plan.links) {
      const [origin, target] = [splitEnd(from), splitEnd(to)];
      assert.ok(order.includes(origin.name) && order.includes(target.name));
      assert.ok(order.indexOf(origin.name) < order.indexOf(target.name), `${from} -> ${to}`);
      assert.ok(target.slot && (origin.slot || origin.name === "source"));
    }
    for (const name of [...Object.keys(plan.values), ...plan.previews]) assert.ok(plan.types[name]);
    const inputs = plan.links.map(([, to]) => to);
    assert.equal(new Set(inputs).size, inputs.length, "an input has two links");
  });
}

test("columns stand side by side and do not overlap", () => {
  const sizes = { a: [200, 100], b: [300, 50], c: [100, 400] };
  const { positions, box } = arrange([["a", "b"], ["c"]], sizes, [10, 20]);
  assert.deepEqual(positions.a, [10, 20]);
  assert.ok(positions.b[1] > 120 && positions.b[0] === 10);
  assert.ok(positions.c[0] > 310 && positions.c[1] === 20);
  assert.equal(box[2], positions.c[0] + 100 - 10);
  assert.equal(box[3], 400);
});

test("a chain goes below what is in its way, and no further", () => {
  const box = [0, 0, 100, 100];
  assert.equal(wayDown(box, []), 0);
  assert.equal(
    wayDown(box, [
      [200, 0, 50, 50],
      [0, 100, 50, 50],
    ]),
    0,
  );
  const way = wayDown(box, [
    [50, 300, 10, 10],
    [50, 50, 100, 100],
    [0, 260, 20, 20],
  ]);
  assert.ok(way > 310 && way < 450);
});
