"""A window of feature maps and of the picture, for training on parts of faces."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Window:
    """A square of the features of one resolution, and the same place in finer maps.

    From `resolution` on a generator computes the window alone. Near its border the result differs
    from that of the whole face: `margin` features a side are not to be looked at.
    """

    resolution: int  # of the maps that are cut
    top: int  # rows of that resolution
    left: int  # columns
    size: int  # of both sides, margins included
    margin: int = 0

    def __post_init__(self) -> None:
        ends = (self.top + self.size, self.left + self.size)
        if min(self.top, self.left) < 0 or max(ends) > self.resolution:
            raise ValueError(f"{self} reaches beyond {self.resolution} features.")
        if not 0 <= 2 * self.margin < self.size:
            raise ValueError(f"{self} is nothing but margin.")

    def cut(self, maps: Tensor) -> Tensor:
        """The window of maps (N, C, r, r), r a multiple of `resolution`, margins included."""
        return self._cut(maps, 0)

    def inner(self, maps: Tensor) -> Tensor:
        """The window of whole maps (N, C, r, r) without its margins."""
        return self._cut(maps, self.margin)

    def trim(self, cut: Tensor) -> Tensor:
        """What was `cut`, or computed from it (N, C, s, s), s a multiple of `size`, without the
        margins."""
        if cut.shape[-1] % self.size or cut.shape[-1] != cut.shape[-2]:
            raise ValueError(
                f"A window of {self.size} features a side gives square maps of a multiple of "
                f"that, got {tuple(cut.shape)}."
            )
        border = self.margin * cut.shape[-1] // self.size
        return cut[..., border : cut.shape[-2] - border, border : cut.shape[-1] - border]

    def _cut(self, maps: Tensor, margin: int) -> Tensor:
        if maps.shape[-1] % self.resolution or maps.shape[-1] != maps.shape[-2]:
            raise ValueError(
                f"A window of {self.resolution} features needs square maps of a multiple of that, "
                f"got {tuple(maps.shape)}."
            )
        scale = maps.shape[-1] // self.resolution
        side = (self.size - 2 * margin) * scale
        top, left = (self.top + margin) * scale, (self.left + margin) * scale
        return maps[..., top : top + side, left : left + side]
