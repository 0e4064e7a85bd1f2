"""Chains without the node that restores, as the prompt of a bypassed node has it."""

from __future__ import annotations

import numpy as np
import pytest

from .client import Client
from .lab import Lab
from .pictures import portrait


@pytest.fixture
def lab(client: Client) -> Lab:
    return Lab(client)


def test_pasting_goes_on_without_crops_and_with_untouched_ones(lab: Lab) -> None:
    image = lab.picture(portrait(), "bypassed.png")
    found = lab.add("PaniniDetectFaces", image=image, detector=lab.detector)
    cut = lab.add("PaniniAlignFaces", image=image, faces=[found, 0])
    restored = lab.add("PaniniRestoreFaces", model=lab.model, faces=[cut, 1])
    nodes = [
        lab.add("PaniniPasteFaces", image=image, faces=[restored, 1], crops=[restored, 0]),
        lab.add("PaniniPasteFaces", image=image, faces=[cut, 1]),
        lab.add("PaniniPasteFaces", image=image, faces=[found, 0]),
        lab.add("PaniniPasteFaces", image=image, faces=[cut, 1], crops=[cut, 0]),
    ]
    reports = [lab.add("PreviewAny", source=[node, 2]) for node in nodes]
    restoring, *others = lab.play(*nodes)
    restoring.check()
    for other in others:
        assert np.array_equal(other.before, other.after) and not other.inside.any()
    run = lab.client.run(lab.prompt).raise_for_error()  # what is left of the first
    texts = [run.outputs[report]["text"][0] for report in reports]
    assert texts[0] == "image 0: faces drawn: 1"
    assert all("No crops came" in text for text in texts[1:3])
    assert "left as they were" in texts[3]
