/**
 * What the scripts in web/ use of ComfyUI's front end, by the types that it publishes. What the
 * oldest supported front end (1.27.10) lacks is optional, so that nobody forgets to ask for it.
 *
 * Only declared, and in a file of code: what `skipLibCheck` leaves out would not be checked.
 */

import type {
  ComfyApp,
  ComfyExtension,
  DOMWidget,
  DOMWidgetOptions,
} from "@comfyorg/comfyui-frontend-types";

type LGraphNode = Parameters<NonNullable<ComfyExtension["nodeCreated"]>>[0];

export type Graph = NonNullable<LGraphNode["graph"]>;

/** A node; one that stands for a subgraph has it, one that takes files the others. */
export type GraphNode = LGraphNode & {
  subgraph?: Graph;
  onDragOver?(event: DragEvent): boolean;
  onDragDrop?(event: DragEvent): boolean | Promise<boolean>;
};

export type Widget = NonNullable<GraphNode["widgets"]>[number];
export type MenuItem = ReturnType<NonNullable<ComfyExtension["getNodeMenuItems"]>>[number];

/** A node of one of the server's classes. */
export interface ComfyNode extends GraphNode {
  addDOMWidget<Content extends HTMLElement>(
    name: string,
    type: string,
    element: Content,
    options?: DOMWidgetOptions<string>,
  ): DOMWidget<Content, string>;
  onExecuted?(output: unknown): void;
}

interface Setting {
  id: string;
  category: string[];
  name: string;
  tooltip?: string;
  type: "boolean" | "color" | "combo";
  options?: string[];
  defaultValue: unknown;
  onChange?(value: unknown): void;
}

/** The hooks that we use; a front end leaves those alone that it does not know. */
interface Extension {
  name: string;
  setup?(): Promise<void> | void;
  commands?: (NonNullable<ComfyExtension["commands"]>[number] & { mutatesGraph?: boolean })[];
  settings?: Setting[];
  nodeCreated?(node: ComfyNode): void;
  getNodeMenuItems?(node: GraphNode): MenuItem[];
  onNodeOutputsUpdated?(): void;
}

type App = Pick<ComfyApp, "canvas" | "extensionManager" | "graph" | "nodeOutputs"> &
  Partial<Pick<ComfyApp, "collectNodeMenuItems" | "rootGraph">> & {
    dragOverNode: GraphNode | null;
    registerExtension(extension: Extension): void;
  };

export declare const app: App;
