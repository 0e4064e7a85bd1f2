"""Progress bars, previews while a node works, and Cancel."""

from __future__ import annotations

from typing import Any

import comfy.model_management as memory
import comfy.utils
from torch import Tensor

from ... import panini_core as core

PREVIEW_SIDE = 512  # px


class Progress:
    """A node's progress bar; also stops the work when the user interrupts."""

    def __init__(self, *, preview: bool = False) -> None:
        self.preview = preview
        self.bar: Any = None

    def __call__(self, done: int, total: int, latest: Tensor | None = None) -> None:
        """`latest`: crops (k, 3, R, R) of which the last one is shown. Raises when interrupted."""
        memory.throw_exception_if_processing_interrupted()
        if self.bar is None:
            self.bar = comfy.utils.ProgressBar(total)
        picture = None
        if self.preview and latest is not None and len(latest):
            picture = ("JPEG", core.to_pillow(latest[-1]), PREVIEW_SIDE)
        self.bar.update_absolute(done, total, picture)


class FilmProgress(Progress):
    """A progress bar over the frames of a film; its previews are the latest restored faces."""

    def __init__(self) -> None:
        super().__init__(preview=True)
        self.latest: Tensor | None = None

    def keep(self, done: int, total: int, latest: Tensor) -> None:
        """The latest crops (k, 3, R, R), for the next frame. Raises when interrupted."""
        memory.throw_exception_if_processing_interrupted()
        self.latest = latest[-1:]

    def frame(self, done: int, total: int) -> None:
        """A frame is done. Raises when interrupted."""
        self(done, total, self.latest)
        self.latest = None
