/** The front end's graph library, as far as the scripts in web/ use it: every page has it. */
declare var LiteGraph: {
  createNode(type: string): import("./scripts/app.js").GraphNode | null;
  /** Whether Nodes 2.0 draws; older front ends do not say. */
  vueNodesMode?: boolean;
};
