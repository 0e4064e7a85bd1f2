"""What `panini doctor` shows of the laboratory."""

from __future__ import annotations

from collections.abc import Iterator

from ..metrics.backbones import IDENTITY_FILE, VGG_FILE, MetricUnavailable, find_backbone


def find_backbones() -> Iterator[tuple[str, str]]:
    """The networks of metrics: what each is for, and where it is or what its lack means."""
    for name in (VGG_FILE, IDENTITY_FILE):
        try:
            yield "for evaluate", str(find_backbone(name))
        except MetricUnavailable:
            yield "for evaluate", f"no {name} (only panini evaluate uses it; see --backbones)"
