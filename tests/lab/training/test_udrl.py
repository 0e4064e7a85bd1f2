from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from panini_core.checkpoints import load_degradation_encoder
from panini_core.models.degradation_encoder import DegradationEncoder
from panini_core.models.panini import PaniniConfig, PaniniNet
from panini_lab.training.config import DataConfig, UdrlConfig
from panini_lab.training.data import FaceSampler
from panini_lab.training.session import LOG_FILE, STATE_FILE
from panini_lab.training.udrl import MomentumContrast, degraded_pairs, train_degradation

SHORT = ["queue=16", "crop=48", "run.learning_rate=0.03"]


def tiny_contrast(queue: int = 8) -> MomentumContrast:
    torch.manual_seed(0)
    encoder = DegradationEncoder(((8, 1), (16, 2)), patch=4)
    return MomentumContrast(encoder, queue=queue, momentum=0.9, temperature=0.07)


def test_training_learns_and_its_result_fits_the_restorer(
    run_overrides: list[str], tmp_path: Path
) -> None:
    result = train_degradation("compact-degradation", [*run_overrides, *SHORT, "run.steps=40"])
    log = [json.loads(s) for s in (tmp_path / "run" / LOG_FILE).read_text().splitlines()]
    # The queue's first contents are random and easy: compare after they have gone.
    assert sum(s["loss"] for s in log[-8:]) < sum(s["loss"] for s in log[8:16])
    encoder = PaniniNet(PaniniConfig.preset("tiny")).degradation_encoder
    assert encoder is not None
    load_degradation_encoder(result, encoder)
    torch.testing.assert_close(
        encoder.features[0].weight, load_file(result)["features.0.weight"], rtol=0, atol=0
    )


def test_a_resumed_run_equals_an_uninterrupted_one(
    run_overrides: list[str], tmp_path: Path
) -> None:
    whole = f"run.output='{(tmp_path / 'whole').as_posix()}'"
    train_degradation("compact-degradation", [*run_overrides, *SHORT, "run.steps=4", whole])
    train_degradation("compact-degradation", [*run_overrides, *SHORT, "run.steps=2"])
    train_degradation("compact-degradation", [*run_overrides, *SHORT, "run.steps=4"])
    a = torch.load(tmp_path / "whole" / STATE_FILE, weights_only=True)["contrast"]
    b = torch.load(tmp_path / "run" / STATE_FILE, weights_only=True)["contrast"]
    for name, value in a.items():
        torch.testing.assert_close(value, b[name], msg=name)


def test_pairs_share_the_degradation_and_not_the_face() -> None:
    faces = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)
    faces = torch.cat([faces, 255 - faces])
    config = UdrlConfig(degradation="film-grain", crop=32)
    sampler = FaceSampler(faces, DataConfig(image_size=64), batch=2, seed=0)
    queries, keys = degraded_pairs(sampler, config, 0)
    assert queries.shape == keys.shape == (2, 3, 32, 32)
    assert not torch.equal(queries, keys)
    again = degraded_pairs(sampler, config, 0)
    assert torch.equal(queries, again[0])
    assert torch.equal(keys, again[1])


def test_the_queue_replaces_the_oldest_keys() -> None:
    contrast = tiny_contrast()
    before = contrast.queue.clone()
    keys = torch.ones(4, 16)
    contrast.enqueue(keys)
    assert torch.equal(contrast.queue[:4], keys)
    assert torch.equal(contrast.queue[4:], before[4:])
    contrast.enqueue(keys * 2)
    contrast.enqueue(keys * 3)
    assert torch.equal(contrast.queue[:4], keys * 3)
    with pytest.raises(ValueError, match="multiple of the batch"):
        contrast.enqueue(torch.ones(3, 16))


def test_the_key_encoder_follows_slowly_and_gets_no_gradient() -> None:
    contrast = tiny_contrast()
    with torch.no_grad():
        for parameter in contrast.query_encoder.parameters():
            parameter.add_(1.0)
    kept = [p.clone() for p in contrast.key_encoder.parameters()]
    contrast.follow()
    for key, before in zip(contrast.key_encoder.parameters(), kept, strict=True):
        torch.testing.assert_close(key, before + 0.1)
    loss, _ = contrast(torch.rand(4, 3, 16, 16), torch.rand(4, 3, 16, 16))
    loss.backward()
    assert all(p.grad is None for p in contrast.key_encoder.parameters())
    assert all(p.grad is not None for p in contrast.query_encoder.parameters())
