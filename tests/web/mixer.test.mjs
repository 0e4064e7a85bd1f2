import assert from "node:assert/strict";
import { test } from "node:test";

import { alphaChange, applyFidelity, moveAlpha } from "../../web/mixer/alpha.js";
import { changeDistribution } from "../../web/mixer/distribution.js";
import { atHeight, drag, pressKey, toStep, writePosition } from "../../web/mixer/fader.js";
import { middle, outline } from "../../web/mixer/outline.js";
import { poolDistributions } from "../../web/mixer/pool.js";
import { keepable, mergeReports, readReport } from "../../web/mixer/report.js";

const near = (a, b, tolerance = 1e-9) =>
  assert.ok(Math.abs(a - b) <= tolerance, `${a} is not ${b}`);
const positions = Array.from({ length: 41 }, (_, index) => (index - 20) / 20);

test("a fader leaves alpha, moves it, or ends exactly at 0 and 1", () => {
  for (const alpha of [0, 0.1, 0.5, 0.93, 1]) {
    near(moveAlpha(alpha, 0), alpha);
    assert.equal(moveAlpha(alpha, 1), 1);
    assert.equal(moveAlpha(alpha, -1), 0);
  }
  for (const position of positions) near(moveAlpha(0.5, position), (position + 1) / 2);
});

test("a higher fader never gives less of the prior, and keeps the order of alphas", () => {
  for (const position of positions.slice(1)) {
    assert.ok(moveAlpha(0.3, position) >= moveAlpha(0.3, position - 0.05) - 1e-12);
    assert.ok(moveAlpha(0.31, position) >= moveAlpha(0.3, position));
  }
});

test("fidelity goes linearly to the picture or to the prior", () => {
  near(applyFidelity(0.4, 0.5), 0.4);
  near(applyFidelity(0.4, 1), 0);
  near(applyFidelity(0.4, 0), 1);
  near(applyFidelity(0.4, 0.65), 0.4 * 0.7);
  near(applyFidelity(0.4, 0.35), 0.4 + 0.6 * 0.3);
});

test("override ignores the network's choice and the preset", () => {
  for (const preset of ["balanced", "faithful", "no such preset"]) {
    const change = alphaChange("override", preset, 0.5);
    assert.equal(change(0.1), 0.75);
    assert.equal(change(0.9), 0.75);
  }
});

test("a preset that nobody knows changes nothing", () => {
  near(alphaChange("bias", "constructor", 0)(0.3), 0.3);
});

const chosen = {
  mean: 0.45,
  quantiles: [0.1, 0.3, 0.45, 0.6, 0.8],
  histogram: Array.from({ length: 20 }, (_, bin) => (bin < 18 ? 1 / 18 : 0)),
};

test("a distribution that nothing changes stays", () => {
  const same = changeDistribution(chosen, (alpha) => alpha);
  near(same.mean, 0.45, 0.001);
  same.histogram.forEach((share, bin) => near(share, chosen.histogram[bin]));
  assert.deepEqual(same.quantiles, chosen.quantiles);
});

test("a changed distribution holds the same channels elsewhere", () => {
  for (const position of positions) {
    const { histogram, mean, quantiles } = changeDistribution(
      chosen,
      alphaChange("bias", "faithful", position),
    );
    near(
      histogram.reduce((sum, share) => sum + share, 0),
      1,
      1e-9,
    );
    assert.ok(mean >= 0 && mean <= 1);
    assert.deepEqual(
      quantiles,
      quantiles.toSorted((a, b) => a - b),
    );
  }
});

/** As the node counts them; alphas in order. */
function distributionOf(alphas) {
  const histogram = new Array(20).fill(0);
  for (const alpha of alphas) histogram[Math.min(Math.floor(alpha * 20), 19)] += 1 / alphas.length;
  return {
    mean: alphas.reduce((sum, alpha) => sum + alpha, 0) / alphas.length,
    quantiles: [0.05, 0.25, 0.5, 0.75, 0.95].map((q) => alphas[q * (alphas.length - 1)]),
    histogram,
  };
}

const spread = Array.from({ length: 401 }, (_, channel) => channel / 200 - 1); // -1 to 1
const sigmoid = (value) => 1 / (1 + Math.exp(-value));

for (const [name, alphas, tolerance] of [
  ["even", spread.map((x) => 0.5 + 0.499 * x), 0.02],
  ["crowded at both ends", spread.map((x) => sigmoid(12 * x + 2)), 0.03],
  ["crowded at 1", spread.map((x) => sigmoid(6 + 5 * x)), 0.02],
]) {
  test(`channels that are ${name} are foreseen where they go`, () => {
    const before = distributionOf(alphas);
    near(changeDistribution(before, (alpha) => alpha).mean, before.mean, 1e-9);
    for (const position of positions) {
      const change = alphaChange("bias", "balanced", position);
      const done = distributionOf(alphas.map(change));
      const foreseen = changeDistribution(before, change);
      near(foreseen.mean, done.mean, tolerance);
      done.quantiles.forEach((alpha, index) => near(foreseen.quantiles[index], alpha));
    }
  });
}

test("overridden channels all lie in one bin, also at the ends", () => {
  for (const [position, bin] of [
    [-1, 0],
    [0.5, 15],
    [1, 19],
  ]) {
    const changed = changeDistribution(chosen, alphaChange("override", "", position));
    near(changed.histogram[bin], 1);
    near(changed.mean, (position + 1) / 2);
  }
});

test("positions are hundredths within the range", () => {
  assert.equal(toStep(0.123), 0.12);
  assert.equal(toStep(7), 1);
  assert.equal(toStep(-7), -1);
  assert.equal(toStep("0.5"), 0.5);
  assert.equal(toStep("a word"), 0);
  assert.ok(Object.is(toStep(-0.001), 0));
});

test("a drag follows the pointer, holds at 0, and is finer with Shift", () => {
  assert.equal(drag(0, 0.25, false), 0.5);
  assert.equal(drag(0.5, -0.24, false), 0);
  assert.equal(drag(0, 0.05, true), 0.02);
  assert.equal(drag(0.9, 1, false), 1);
  assert.equal(atHeight(0), -1);
  assert.equal(atHeight(0.75), 0.5);
  assert.equal(atHeight(0.51), 0);
});

test("keys move the fader; others are none of its business", () => {
  assert.equal(pressKey(0, "ArrowUp", false), 0.05);
  assert.equal(pressKey(0, "ArrowUp", true), 0.01);
  assert.equal(pressKey(0, "ArrowDown", true), -0.01);
  assert.equal(pressKey(0.9, "PageUp", false), 1);
  assert.equal(pressKey(0.9, "Home", false), -1);
  assert.equal(pressKey(0.9, "Delete", false), 0);
  assert.equal(pressKey(0.9, "toString", false), null);
  assert.equal(pressKey(0.9, "z", false), null);
});

test("positions are written as a bias, or as the share that they are", () => {
  assert.equal(writePosition(0.25, "bias"), "+0.25");
  assert.equal(writePosition(-0.5, "bias"), "\u22120.50");
  assert.equal(writePosition(0, "bias"), "0");
  assert.equal(writePosition(0, "override"), "0.50");
});

test("an outline spans the whole height on its own side", () => {
  const left = outline(chosen.histogram, "left");
  const right = outline(chosen.histogram, "right");
  const xs = (path) => [...path.matchAll(/[ML]([\d.]+) /g)].map((match) => Number(match[1]));
  assert.ok(xs(left).every((x) => x <= 50) && xs(right).every((x) => x >= 50));
  assert.equal(Math.min(...xs(left)), 6);
  assert.match(left, /^M50 100.*L50 0Z$/);
  assert.ok(!outline(new Array(20).fill(0), "left").includes("NaN"));
});

test("the middle half lies about the median, the prior above", () => {
  const { top, median, bottom } = middle(chosen);
  near(top, 40);
  near(median, 55);
  near(bottom, 70);
});

const distribution = (mean) => ({
  mean,
  quantiles: [0.01, 0.22, 1 / 3, 0.44, 0.55],
  histogram: Array.from({ length: 20 }, () => 0.05),
});
const sent = (...levels) => ({ faces: 2, levels });
const level = (widget, chosen) => ({ widget, channels: 8, chosen, edited: chosen });

test("a report has what the network chose, by the fader", () => {
  const report = readReport(sent(level("level_4", distribution(0.4)), level("picture", null)));
  assert.deepEqual(report, { faces: 2, chosen: { level_4: distribution(0.4) }, presets: {} });
  assert.deepEqual(readReport(sent()), { faces: 2, chosen: {}, presets: {} });
});

test("a report has where the presets take each level, and keeps it", () => {
  const presets = { balanced: 0.5, faithful: 0.62, beautiful: 0.55 };
  const told = { ...level("level_4", distribution(0.4)), presets };
  const odd = { ...level("level_8", distribution(0.4)), presets: { balanced: "half" } };
  const report = readReport(sent(told, odd));
  assert.deepEqual(report.presets, { level_4: presets });
  assert.deepEqual(readReport(JSON.parse(JSON.stringify(keepable(report)))).presets, {
    level_4: presets,
  });
  near(alphaChange("bias", "faithful", 0, presets)(0.4), applyFidelity(0.4, 0.62));
  near(alphaChange("bias", "constructor", 0, presets)(0.4), 0.4);
});

test("runs are shown as if all their faces had been mixed in one", () => {
  const alphas = [
    spread.map((x) => sigmoid(4 * x - 1)),
    spread.map((x) => sigmoid(3 * x + 2)),
    spread.map((x) => 0.5 + 0.4 * x),
  ];
  const parts = alphas.map((part, index) => ({ part: distributionOf(part), weight: index + 1 }));
  const all = alphas.flatMap((part, index) => new Array(index + 1).fill(part)).flat();
  const expected = distributionOf(all.sort((a, b) => a - b));
  const pooled = poolDistributions(parts);
  near(pooled.mean, expected.mean);
  pooled.histogram.forEach((share, bin) => near(share, expected.histogram[bin]));
  // The exact quantiles lie between channels, which are a few hundredths apart.
  expected.quantiles.forEach((_, index) => {
    const at = [0.05, 0.25, 0.5, 0.75, 0.95][index] * (all.length - 1);
    near(pooled.quantiles[index], all[Math.round(at)], 0.01);
  });
  const one = { part: chosen, weight: 0 };
  assert.deepEqual(poolDistributions([one]), chosen);
});

test("reports of several runs are joined, level by level", () => {
  const [few, none, many] = [
    sent(level("level_4", distribution(0.2))),
    { faces: 0, levels: [] },
    { faces: 6, levels: [level("level_4", distribution(0.6)), level("picture", distribution(1))] },
  ].map(readReport);
  const merged = mergeReports([few, none, many]);
  assert.equal(merged.faces, 8);
  near(merged.chosen.level_4.mean, 0.5);
  assert.deepEqual(merged.chosen.picture, distribution(1));
  assert.deepEqual(mergeReports([none, none]), none);
  assert.deepEqual(mergeReports([few]), few);
});

for (const payload of [null, undefined, {}, { numbers: true }, { levels: "none" }]) {
  test(`there is no report in ${JSON.stringify(payload)}`, () => {
    assert.equal(readReport(payload), null);
  });
}

test("levels that cannot be drawn are left out", () => {
  const { mean, quantiles, histogram } = distribution(0.4);
  const bad = [
    ...[null, "x", {}, { quantiles, histogram }, { mean, histogram }, { mean, quantiles }],
    ...[
      { mean: "x", quantiles, histogram },
      { mean, quantiles: [1], histogram },
    ],
    { mean, quantiles, histogram: [] },
  ];
  const report = readReport(sent(null, ...bad.map((chosen) => level("level_8", chosen))));
  assert.deepEqual(report.chosen, {});
});

test("a report that is kept is small, and nearly as it was", () => {
  const names = ["level_4", "level_8", "level_16", "level_32", "level_64", "level_128", "picture"];
  const report = readReport(sent(...names.map((name) => level(name, distribution(1 / 7)))));
  const text = JSON.stringify(keepable(report));
  assert.ok(text.length < 3000);
  const again = readReport(JSON.parse(text));
  assert.deepEqual(Object.keys(again.chosen), names);
  near(again.chosen.level_64.mean, 1 / 7, 1e-4);
  near(again.chosen.level_64.quantiles[2], 1 / 3, 1e-4);
  assert.equal(again.faces, 2);
});
