/**
 * What the degradation view computes: where dots and faces lie on the map, and in what colour.
 *
 * @typedef {[x: number, y: number, label: number]} KnownPoint x and y in 0..1
 * @typedef {Object} Atlas
 * @property {string[]} labels the classes
 * @property {KnownPoint[]} points
 * @typedef {Object} FaceReport
 * @property {number} number
 * @property {[number, number] | null} position x and y in 0..1
 * @property {number | null} severity in 0..1
 * @property {[name: string, share: number][]} nearest
 * @property {string} text
 */

/** Side of the map's coordinate system. */
export const SIDE = 100;

const MARGIN = 6; // so that a badge at the edge stays on the map
const BADGE = 7.5; // least distance of two badges
const ROUNDS = 24; // of pushing badges apart
const GOLDEN_ANGLE = 2.4; // radians

// Single degradations have colours of their own, the mixed ones greys, as on the plot.
const COLOURS = [
  ...["#5adc82", "#00a0eb", "#ffbe00", "#ff5f96", "#af82ff"],
  ...["#787d82", "#a5aaaf", "#d7dce1"],
];

/**
 * The colour of a class.
 * @param {number} label
 */
export function classColour(label) {
  return COLOURS[label % COLOURS.length];
}

/**
 * From 0..1 to the map's coordinates.
 * @param {number} share
 */
export function toMap(share) {
  return MARGIN + Math.min(Math.max(share, 0), 1) * (SIDE - 2 * MARGIN);
}

/**
 * The dots of each class as one path; with round caps a line of no length is a dot.
 * @param {Atlas} atlas
 * @returns {string[]} a path a label, empty where a class has no dot
 */
export function classPaths(atlas) {
  const paths = atlas.labels.map(() => "");
  for (const [x, y, label] of atlas.points) {
    if (label in paths) paths[label] += `M${short(toMap(x))} ${short(toMap(y))}h0`;
  }
  return paths;
}

/**
 * Where the faces' badges go: at their positions, but apart from one another.
 * @param {FaceReport[]} faces
 * @returns {({x: number, y: number} | null)[]} null for a face without a position
 */
export function placeBadges(faces) {
  const badges = faces.map(({ position }) =>
    position ? { x: toMap(position[0]), y: toMap(position[1]) } : null,
  );
  const placed = badges.filter((badge) => badge !== null);
  for (let round = 0; round < ROUNDS && pushApart(placed); round += 1);
  return badges;
}

/**
 * Green, yellow, red: the colour of a severity's bar.
 * @param {number} severity in 0..1
 */
export function severityColour(severity) {
  const share = Math.min(Math.max(severity, 0), 1);
  return `hsl(${Math.round(130 * (1 - share))} 65% 52%)`;
}

/**
 * @param {{x: number, y: number}[]} badges moved in place
 * @returns {boolean} whether any two were too near
 */
function pushApart(badges) {
  let moved = false;
  badges.forEach((a, first) => {
    for (const [offset, b] of badges.slice(first + 1).entries()) {
      const [dx, dy] = [b.x - a.x, b.y - a.y];
      const distance = Math.hypot(dx, dy);
      if (distance >= BADGE - 0.01) continue;
      // Slightly aside, or badges in a row would never leave it.
      const angle = Math.atan2(dy, dx) + (distance > 0.01 ? 0.3 : (first + offset) * GOLDEN_ANGLE);
      const way = (BADGE - distance) / 2;
      shift(a, -way * Math.cos(angle), -way * Math.sin(angle));
      shift(b, way * Math.cos(angle), way * Math.sin(angle));
      moved = true;
    }
  });
  return moved;
}

/**
 * @param {{x: number, y: number}} badge
 * @param {number} dx
 * @param {number} dy
 */
function shift(badge, dx, dy) {
  const inside = (/** @type {number} */ value) =>
    Math.min(Math.max(value, MARGIN / 2), SIDE - MARGIN / 2);
  badge.x = inside(badge.x + dx);
  badge.y = inside(badge.y + dy);
}

/** @param {number} value */
function short(value) {
  return Math.round(value * 10) / 10;
}
