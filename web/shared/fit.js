/**
 * Where a picture lies on a stage that shows all of it, as large as can be, in the middle.
 * @param {[width: number, height: number]} picture
 * @param {number} stageWidth
 * @param {number} stageHeight
 * @returns {{left: number, top: number, width: number, height: number}} in the stage's unit
 */
export function fitInto([width, height], stageWidth, stageHeight) {
  const scale = Math.min(stageWidth / width, stageHeight / height);
  const [across, down] = [width * scale, height * scale];
  return {
    left: (stageWidth - across) / 2,
    top: (stageHeight - down) / 2,
    width: across,
    height: down,
  };
}
