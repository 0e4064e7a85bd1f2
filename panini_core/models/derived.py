"""What follows from a network's weights, computed once and not in every call."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


class Derived:
    """A tensor that is computed from a weight, and again only when that is another one.

    Another parameter, other numbers in it, another device or precision all count. The numbers of
    an inference tensor cannot be watched: they are taken for what they were. While gradients of
    the weight are wanted nothing is kept.
    """

    def __init__(self, compute: Callable[[Tensor], Tensor]) -> None:
        self.compute = compute
        self._weight: Tensor | None = None
        self._seen: tuple[object, ...] = ()
        self._value: Tensor | None = None

    def __call__(self, weight: Tensor) -> Tensor:
        watched = torch.is_grad_enabled() and weight.requires_grad
        if watched or torch.compiler.is_compiling():
            return self.compute(weight)
        version = None if weight.is_inference() else weight._version  # pyright: ignore[reportPrivateUsage]
        seen = (version, weight.data_ptr(), weight.device, weight.dtype)
        if self._value is None or weight is not self._weight or seen != self._seen:
            self._weight, self._seen, self._value = weight, seen, self.compute(weight).detach()
        return self._value
