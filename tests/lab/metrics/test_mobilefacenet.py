"""MobileFaceNet and its own file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from panini_lab.metrics.mobilefacenet import MobileFaceNet, load_mobilefacenet, save_mobilefacenet


def noise(count: int) -> torch.Tensor:
    return torch.randn(count, 3, 112, 112, generator=torch.Generator().manual_seed(1))


def test_a_face_becomes_as_many_numbers_as_asked(narrow_network: MobileFaceNet) -> None:
    faces = noise(3)
    vectors = narrow_network(faces)
    assert vectors.shape == (3, 8)
    singly = torch.cat([narrow_network(faces[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(vectors, singly, rtol=0, atol=1e-4 * float(singly.std()))


def test_the_whole_face_counts_and_receives_a_gradient(narrow_network: MobileFaceNet) -> None:
    face = noise(1).requires_grad_()
    narrow_network(face).square().sum().backward()
    assert face.grad is not None
    by_quarter = face.grad.abs().unfold(2, 56, 56).unfold(3, 56, 56).sum((0, 1, 4, 5))
    assert by_quarter.min() > 0


def test_the_published_network_has_a_million_parameters() -> None:
    with torch.device("meta"):
        published = MobileFaceNet()
    assert sum(parameter.numel() for parameter in published.parameters()) == 989_952


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 0.0), (torch.float16, 2e-2)])
def test_a_file_gives_the_network_back(
    narrow_network: MobileFaceNet, tmp_path: Path, dtype: torch.dtype, tolerance: float
) -> None:
    path = tmp_path / "network.safetensors"
    save_mobilefacenet(path, narrow_network, dtype=dtype)
    loaded = load_mobilefacenet(path)
    expected = narrow_network(noise(2))
    largest = tolerance * float(expected.std())
    torch.testing.assert_close(loaded(noise(2)), expected, rtol=0, atol=largest)
    assert all(tensor.dtype == dtype for tensor in load_file(path).values())


def test_files_that_do_not_fit_are_refused(narrow_network: MobileFaceNet, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.safetensors"):
        load_mobilefacenet(tmp_path / "none.safetensors")
    path = tmp_path / "network.safetensors"
    path.write_bytes(b"no header")
    with pytest.raises(ValueError, match=r"network\.safetensors"):
        load_mobilefacenet(path)

    header = {"panini_recogniser": "1"}
    tensors = {name: tensor.clone() for name, tensor in narrow_network.state_dict().items()}
    save_file(tensors, path)
    with pytest.raises(ValueError, match="expected a saved recogniser"):
        load_mobilefacenet(path)
    save_file(tensors | {"widen.weight": torch.zeros(32, 5, 1, 1)}, path, header)
    with pytest.raises(ValueError, match=r"widen\.weight"):
        load_mobilefacenet(path)
    del tensors["widen.weight"]
    save_file(tensors, path, header)
    with pytest.raises(ValueError, match="not a whole recogniser"):
        load_mobilefacenet(path)


def test_numbers_that_are_not_finite_are_not_written(tmp_path: Path) -> None:
    broken = MobileFaceNet(width=2)
    with torch.no_grad():
        broken.embed.weight[0] = torch.inf
    with pytest.raises(ValueError, match=r"embed\.weight"):
        save_mobilefacenet(tmp_path / "network.safetensors", broken)
    assert not list(tmp_path.iterdir())
