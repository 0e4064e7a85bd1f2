"""Prompts in the API's format, node by node."""

from __future__ import annotations

from typing import Any, NamedTuple

from .client import Client, Prompt
from .workflow import options

Link = list[Any]  # number of a node, and which of its outputs


class Previews(NamedTuple):
    """The numbers of the nodes that show what another one pasted."""

    before: str
    after: str
    mask: str


class PromptBuilder:
    """A prompt that grows; widgets that are not named get their defaults."""

    def __init__(self, client: Client, prompt: Prompt | None = None) -> None:
        self.object_info = client.object_info()
        self.prompt: Prompt = {} if prompt is None else prompt

    def add(self, class_type: str, **inputs: Any) -> str:
        """Add a node; its number."""
        defaults: dict[str, Any] = {}
        for name, spec in self.object_info[class_type]["input"].get("required", {}).items():
            extra = options(spec)
            choices = spec[0] if isinstance(spec[0], list) else extra.get("options")
            if "default" in extra:
                defaults[name] = extra["default"]
            elif choices:
                defaults[name] = choices[0]
        number = str(max((int(number) for number in self.prompt), default=0) + 1)
        self.prompt[number] = {"class_type": class_type, "inputs": defaults | inputs}
        return number

    def show_image(self, image: Link) -> str:
        """Preview an IMAGE; the number of the node that does."""
        return self.add("PreviewImage", images=image)

    def show_mask(self, mask: Link) -> str:
        """Preview where a MASK is above 0, white on black; the number of the node that does."""
        above = self.add("ThresholdMask", mask=mask, value=0.0)
        return self.show_image([self.add("MaskToImage", mask=[above, 0]), 0])

    def show_pasting(self, node: str) -> Previews:
        """Preview what a node that pastes faces is given, what it makes of it, and where."""
        return Previews(
            before=self.show_image(self.prompt[node]["inputs"]["image"]),
            after=self.show_image([node, 0]),
            mask=self.show_mask([node, 1]),
        )

    def nodes(self, class_type: str, **inputs: Any) -> list[str]:
        """The numbers of the nodes of a type, with these inputs."""
        return [
            number
            for number, entry in self.prompt.items()
            if entry["class_type"] == class_type and inputs.items() <= entry["inputs"].items()
        ]
