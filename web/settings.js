/** The settings of the pack; what they change is told in their names. */

import { app } from "./shared/comfy.js";

const COLOUR = /^[0-9a-f]{6}([0-9a-f]{2})?$/i; // as the front end stores it, without a #

/**
 * Gives a colour to the stylesheet; the default again if it is none.
 * @param {string} name of the stylesheet's property
 * @param {unknown} value of the setting
 */
function paint(name, value) {
  const colour = String(value ?? "").replace(/^#/, "");
  if (COLOUR.test(colour)) document.documentElement.style.setProperty(name, `#${colour}`);
  else document.documentElement.style.removeProperty(name);
}

app.registerExtension({
  name: "Panini.Settings",
  settings: [
    {
      id: "Panini.Mixer.Preset",
      category: ["Panini", "DAFI Mixer", "Preset"],
      name: "Preset of a new DAFI Mixer",
      tooltip: "What a mixer begins with when it is added; mixers in workflows keep theirs.",
      type: "combo",
      options: ["balanced", "faithful", "beautiful"],
      defaultValue: "balanced",
    },
    {
      id: "Panini.FaceBoard.KeptColour",
      category: ["Panini", "Face board", "KeptColour"],
      name: "Colour of faces",
      tooltip: "Of the boxes on the face board. The overlay that the nodes draw keeps its colours.",
      type: "color",
      defaultValue: "5adc82",
      onChange: (value) => paint("--panini-kept-colour", value),
    },
    {
      id: "Panini.FaceBoard.LeftOutColour",
      category: ["Panini", "Face board", "LeftOutColour"],
      name: "Colour of faces that are left out",
      type: "color",
      defaultValue: "b4b4b4",
      onChange: (value) => paint("--panini-left-out-colour", value),
    },
    {
      id: "Panini.Previews",
      category: ["Panini", "Restoration", "Previews"],
      name: "Show restored faces while a node works",
      tooltip: "Off: our nodes show no previews in this browser. The result is the same.",
      type: "boolean",
      defaultValue: true,
    },
  ],
});
