/** What the scripts in web/ use of the front end's connection to the server. */

import type { ComfyApi } from "@comfyorg/comfyui-frontend-types";

type Api = Pick<ComfyApi, "apiURL" | "fetchApi"> & {
  /** Of any event; the published type has a form for each. */
  dispatchCustomEvent(type: string, detail?: unknown): boolean;
};

export declare const api: Api;
