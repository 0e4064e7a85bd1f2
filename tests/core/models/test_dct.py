"""Blocks to frequencies and back."""

from __future__ import annotations

import pytest
import torch

from panini_core.models.dct import dct_matrix


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_rows_are_orthonormal_and_begin_with_the_mean(size: int) -> None:
    matrix = dct_matrix(size)
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(size, dtype=torch.float64))
    torch.testing.assert_close(matrix[0], torch.full((size,), size**-0.5, dtype=torch.float64))


def test_frequencies_rise_from_row_to_row() -> None:
    changes = (dct_matrix(8).sign().diff(dim=1) != 0).sum(1)
    assert changes.tolist() == list(range(8))


def test_a_block_survives_there_and_back() -> None:
    block, matrix = torch.rand(8, 8, dtype=torch.float64), dct_matrix(8)
    coefficients = matrix @ block @ matrix.T
    assert coefficients[0, 0].item() == pytest.approx(float(block.mean()) * 8)
    torch.testing.assert_close(matrix.T @ coefficients @ matrix, block)
