"""Restorations by prompts that tests put together themselves."""

from __future__ import annotations

from typing import Any

from PIL import Image

from .client import Client
from .pictures import Pasted, pasted
from .prompts import Link, PromptBuilder


class Lab(PromptBuilder):
    """A prompt with pictures, models and the previews that tell what was pasted."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self.client = client
        self.model: Link = [self.add("PaniniLoadModel", dtype="fp32"), 0]
        self.detector: Link = [self.add("PaniniLoadDetector", detector_name="bundled"), 0]

    def picture(self, image: Image.Image, name: str) -> Link:
        """An image of the input folder as IMAGE."""
        return [self.add("LoadImage", image=self.client.upload_image(image, name)), 0]

    def restore(self, image: Link, **inputs: Any) -> str:
        """The node that does it all."""
        return self.add(
            "PaniniRestoreImage",
            **{"image": image, "model": self.model, "detector": self.detector, **inputs},
        )

    def align(self, image: Link, selection: str = "all") -> Link:
        """The faces of an image, ready to be restored."""
        found = self.add("PaniniDetectFaces", image=image, detector=self.detector)
        chosen = self.add("PaniniSelectFaces", faces=[found, 0], selection=selection)
        return [self.add("PaniniAlignFaces", image=image, faces=[chosen, 0]), 1]

    def play(self, *nodes: str) -> list[Pasted]:
        """Run the prompt; what each of these nodes pasted onto its images."""
        shown = [self.show_pasting(node) for node in nodes]
        run = self.client.run(self.prompt).raise_for_error()
        return [pasted(self.client, run, previews) for previews in shown]
