import assert from "node:assert/strict";
import test from "node:test";

import { fitInto } from "../../web/shared/fit.js";
import { chain, findWidget, isLinked, nodesBehind } from "../../web/shared/hooks.js";
import {
  areNumbers,
  isReference,
  keep,
  readKept,
  readPayloads,
  readPlace,
  viewPath,
} from "../../web/shared/payload.js";
import { fillIn, lookUp } from "../../web/shared/phrases.js";

test("payloads are read in their order, in the version that is known", () => {
  const [first, second] = [0, 1].map((index) => ({ version: 1, index }));
  const sent = [first, { version: 2 }, null, second];
  assert.deepEqual(readPayloads({ panini_faces: sent }, "panini_faces"), [first, second]);
});

test("a picture has the place that was kept, unless it cannot be", () => {
  assert.deepEqual([readPlace(undefined, 3), readPlace(70, 3)], [3, 70]);
  for (const kept of [2, -1, 3.5, "9", null]) assert.equal(readPlace(kept, 3), 3);
});

for (const output of [
  ...[undefined, null, {}, { panini_faces: null }, { panini_faces: [] }, { panini_faces: "x" }],
  ...[{ panini_faces: [{ version: 2 }] }, { panini_faces: [{}] }, { other: [{ version: 1 }] }],
]) {
  test(`no payload is read from ${JSON.stringify(output)}`, () => {
    assert.deepEqual(readPayloads(output, "panini_faces"), []);
  });
}

test("what is kept is found again after it was saved", () => {
  const node = {};
  keep(node, "panini_board", { index: 3 });
  const loaded = JSON.parse(JSON.stringify(node));
  assert.deepEqual(readKept(loaded, "panini_board"), { version: 1, index: 3 });
});

test("what is kept stays beside what is kept later, unless it cannot be read", () => {
  const node = { properties: { old: { version: 0, index: 1 } } };
  keep(node, "board", { index: 3, divider: 0.5 });
  const before = node.properties.board;
  keep(node, "board", { index: 4 });
  assert.deepEqual(readKept(node, "board"), { version: 1, index: 4, divider: 0.5 });
  assert.equal(before.index, 3); // undo may hold it
  keep(node, "old", { divider: 1 });
  assert.deepEqual(node.properties.old, { version: 1, divider: 1 });
});

for (const properties of [undefined, {}, { a: "x" }, { a: [] }, { a: { version: 0 } }]) {
  test(`nothing is read from the properties ${JSON.stringify(properties)}`, () => {
    assert.equal(readKept({ properties }, "a"), null);
  });
}

test("names of files are escaped in a route", () => {
  const path = viewPath({ filename: "a b&c=d.png", subfolder: "x/ä", type: "temp" });
  const query = new URL(path, "http://localhost").searchParams;
  assert.deepEqual(Object.fromEntries(query), {
    filename: "a b&c=d.png",
    subfolder: "x/ä",
    type: "temp",
  });
});

test("references and lists of numbers are told from others", () => {
  assert.ok(isReference({ filename: "a", subfolder: "", type: "temp" }));
  assert.ok(!isReference({ filename: "a", type: "temp" }) && !isReference(null));
  assert.ok(areNumbers([0, 1.5], 2));
  for (const value of [[1], [1, "2"], [1, NaN], null, "12"]) assert.ok(!areNumbers(value, 2));
});

test("chained methods run after the ones before them, with the same parameters", () => {
  const calls = [];
  const node = {
    onExecuted(value) {
      calls.push(["first", this === node, value]);
      return 7;
    },
  };
  chain(node, "onExecuted", function (value) {
    calls.push(["second", this === node, value]);
  });
  assert.equal(node.onExecuted(5), 7);
  assert.deepEqual(calls, [
    ["first", true, 5],
    ["second", true, 5],
  ]);
  chain(node, "onRemoved", () => calls.push(["removed"]));
  node.onRemoved();
  assert.deepEqual(calls.at(-1), ["removed"]);
});

test("nodes without widgets or inputs are no trouble", () => {
  assert.equal(findWidget({}, "selection"), undefined);
  assert.equal(isLinked({}, "selection"), false);
});

test("links are asked of the node, by the place of the input", () => {
  const inputs = [{ name: "faces" }, { name: "selection" }];
  const node = { inputs, isInputConnected: (slot) => slot === 1 };
  assert.equal(isLinked(node, "selection"), true);
  assert.equal(isLinked(node, "faces"), false);
  assert.equal(isLinked(node, "image"), false);
});

test("nodes behind an output are those that the node names, if it names any", () => {
  const behind = [{ id: 3 }];
  const node = { graph: {}, getOutputNodes: (slot) => (slot === 1 ? behind : null) };
  assert.deepEqual(nodesBehind(node, 1), behind);
  assert.deepEqual(nodesBehind(node, 0), []);
});

for (const graph of [null, undefined]) {
  test(`a node whose graph is ${graph} is not asked what lies behind it`, () => {
    const getOutputNodes = () => {
      throw new Error("Attempted to access LGraph reference that was null or undefined.");
    };
    assert.deepEqual(nodesBehind({ graph, getOutputNodes }, 0), []);
  });
}

test("texts are found in their sections, and their values filled in", () => {
  const sections = { board: { count: "{n} Gesichter, {n}{x}" } };
  assert.equal(fillIn(lookUp(sections, "board.count"), { n: 3 }), "3 Gesichter, 3{x}");
  assert.equal(lookUp(sections, "board.other"), undefined);
  assert.equal(lookUp(sections, "board"), undefined);
  assert.equal(lookUp({}, "a.b.c"), undefined);
});

test("a picture is fitted into the middle of a stage, by its longer side", () => {
  assert.deepEqual(fitInto([100, 50], 200, 200), { left: 0, top: 50, width: 200, height: 100 });
  assert.deepEqual(fitInto([10, 20], 200, 40), { left: 90, top: 0, width: 20, height: 40 });
});
