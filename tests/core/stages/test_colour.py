from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from panini_core.stages.asking import answer_together
from panini_core.stages.colour import is_grey, match_low_frequencies


@pytest.fixture(autouse=True)
def _same_numbers_each_run() -> None:
    torch.manual_seed(0)


def test_grey_means_equal_everywhere() -> None:
    image = torch.rand(1, 9, 9).repeat(3, 1, 1)
    assert answer_together([is_grey(image)]) == [True]
    image[2, 4, 4] += 1e-3
    assert answer_together([is_grey(image), is_grey(image[:1].expand(3, -1, -1))]) == [False, True]


def test_matching_takes_the_tint_away_and_keeps_detail() -> None:
    detail = torch.rand(3, 64, 64) * 0.1
    reference = F.interpolate(torch.rand(1, 3, 2, 2) * 0.4 + 0.3, (64, 64), mode="bilinear")[0]
    tint = torch.tensor([0.1, -0.1, 0.05]).view(3, 1, 1)
    matched = match_low_frequencies(reference + detail + tint, reference + detail)
    torch.testing.assert_close(matched, reference + detail, atol=1e-5, rtol=0)


def test_matching_accepts_a_reference_of_another_size() -> None:
    crop, reference = torch.rand(3, 128, 128), torch.full((3, 64, 64), 0.5)
    matched = match_low_frequencies(crop * 0.2 + 0.1, reference)
    assert matched.shape == crop.shape
    assert (matched.mean((1, 2)) - 0.5).abs().max() < 0.01


def test_extremes_stay_in_range() -> None:
    black, white = torch.zeros(3, 32, 32), torch.ones(3, 32, 32)
    assert match_low_frequencies(black, white).eq(1).all()
    assert match_low_frequencies(white, black).eq(0).all()
    edge = torch.cat([black, white], -1)[..., ::2]
    matched = match_low_frequencies(edge, edge.flip(-1))
    assert torch.isfinite(matched).all()
    assert 0 <= matched.min() <= matched.max() <= 1
