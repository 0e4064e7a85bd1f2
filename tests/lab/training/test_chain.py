"""The trainings in turn, and the parts that a chain leaves and goes on from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from panini_core.checkpoints import find_weights, load_panini, save_panini
from panini_core.models.panini import PaniniConfig, PaniniNet, build_gan_prior
from panini_lab.training.chain import (
    PROGRESS_FILE,
    STEP_NAMES,
    ChainConfig,
    join_parts,
    run_chain,
    write_parts,
)

TINY = PaniniConfig.preset("tiny-mobile")


@pytest.fixture
def network(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "network.safetensors"
    save_panini(path, PaniniNet(TINY))
    return path


def test_parts_put_together_are_the_network_in_half_precision(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("panini_lab.training.chain.PART_SIZE", 20_000)
    folder = tmp_path / "parts"
    folder.mkdir()
    (folder / "panini.safetensors.part99").write_bytes(b"of an earlier, larger network")
    write_parts(network, folder, "restoration")
    parts = sorted(folder.glob("*.part*"))
    assert len(parts) > 1
    assert max(part.stat().st_size for part in parts) <= 20_000
    assert json.loads((folder / PROGRESS_FILE).read_text())["next"] == "restoration"

    joined = load_panini(
        join_parts(folder, tmp_path / "joined.safetensors"), dtype=torch.float32
    ).state_dict()
    for name, tensor in load_panini(network, dtype=torch.float32).state_dict().items():
        torch.testing.assert_close(joined[name], tensor.half().to(tensor.dtype))


def test_parts_that_are_not_whole_are_refused(network: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=PROGRESS_FILE):
        join_parts(tmp_path, tmp_path / "joined")
    write_parts(network, tmp_path, "adversary")
    part = tmp_path / "panini.safetensors.part00"
    content = part.read_bytes()
    part.write_bytes(content[:-1])
    with pytest.raises(ValueError, match="different times"):
        join_parts(tmp_path, tmp_path / "joined")
    part.unlink()
    with pytest.raises(FileNotFoundError, match="part00"):
        join_parts(tmp_path, tmp_path / "joined")


def chain(tmp_path: Path, shared: Path, output: str, resume: Path | None = None) -> ChainConfig:
    torch.manual_seed(1)
    prior = build_gan_prior(TINY)
    prior.load_state_dict({**prior.state_dict(), "mean_latent": torch.randn(TINY.style_size)})
    save_file(prior.state_dict(), tmp_path / "prior.safetensors")
    weights = shared / "data" / "weights"
    return ChainConfig(
        output=tmp_path / output,
        work=tmp_path / f"{output}-work",
        minutes=1e-3,  # one step of each
        prior=tmp_path / "prior.safetensors",
        encoder=find_weights("compact"),
        vgg=weights / "vgg19_features.safetensors",
        identity=weights / "mobilefacenet.onnx",
        resume=resume,
        device="cpu",
        overrides=(
            *("model=tiny-mobile", "window=0", "run.batch=4", "run.bf16=false"),
            *("inversion:views=2", "adversary:adversary.alone=0"),
        ),
    )


def test_a_chain_goes_through_all_steps_and_on_from_its_parts(tmp_path: Path, shared: Path) -> None:
    first = run_chain(chain(tmp_path, shared, "first"))
    assert load_panini(first, dtype=torch.float32).config == TINY
    for name in STEP_NAMES:
        line = json.loads((tmp_path / "first" / f"{name}.jsonl").read_text().splitlines()[-1])
        assert line["step"] >= 1
    assert "adversarial" in line
    assert json.loads((tmp_path / "first" / PROGRESS_FILE).read_text())["next"] == "adversary"

    second = run_chain(chain(tmp_path, shared, "second", resume=tmp_path / "first"))
    assert not (tmp_path / "second" / "inversion.jsonl").exists()
    before = join_parts(tmp_path / "first", tmp_path / "before.safetensors")
    moved = load_panini(second, dtype=torch.float32).state_dict()
    kept = load_panini(before, dtype=torch.float32).state_dict()
    assert any(not torch.equal(moved[name], kept[name]) for name in kept)
    # What the adversary's step leaves alone came through the parts unchanged, the prior too: it is
    # not read from its own file again, which would undo what was trained of it.
    assert torch.equal(moved["gan_prior.mean_latent"], kept["gan_prior.mean_latent"])


def test_a_chain_cannot_begin_in_the_middle_of_nothing(tmp_path: Path, shared: Path) -> None:
    config = chain(tmp_path, shared, "none")
    with pytest.raises(ValueError, match="goes on from an earlier chain"):
        run_chain(replace(config, start="adversary"))
