/** Shows what the front end brings back of earlier runs: with another tab, or from its history. */

import { app } from "./shared/comfy.js";
import { recallOutputs } from "./shared/latest_run.js";

app.registerExtension({ name: "Panini.Outputs", onNodeOutputsUpdated: recallOutputs });
