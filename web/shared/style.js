/**
 * Links a stylesheet, once a page.
 * @param {string} path below the pack's web directory
 */
export function linkStyle(path) {
  const id = `panini-style-${path}`;
  if (document.getElementById(id)) return;
  const link = document.createElement("link");
  link.id = id;
  link.rel = "stylesheet";
  link.href = new URL(`../${path}`, import.meta.url).href;
  document.head.append(link);
}
