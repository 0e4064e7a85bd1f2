"""Unsupervised degradation representation learning (UDRL, section 3.1 of the paper).

Momentum contrast: two different faces with the same degradation are a positive pair, so what the
encoder can use to match them is the degradation and not the person.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from panini_core.checkpoints import load_degradation_encoder
from panini_core.degrading.degrade import PRESETS, degrade, sample_degradations
from panini_core.models.degradation_encoder import DegradationEncoder
from panini_core.models.panini import PaniniConfig
from panini_core.models.value_range import to_network

from .config import UdrlConfig, load_config
from .data import FaceSampler
from .discriminants import fit_discriminants
from .loop import run_training
from .session import TrainingSession

RESULT_FILE = "degradation_encoder.safetensors"


class MomentumContrast(nn.Module):
    """A query encoder, a key encoder that follows it, and a queue of keys as negatives (MoCo)."""

    def __init__(
        self, encoder: DegradationEncoder, *, queue: int, momentum: float, temperature: float
    ) -> None:
        super().__init__()
        self.momentum, self.temperature = momentum, temperature
        self.query_encoder = encoder
        self.key_encoder = copy.deepcopy(encoder).requires_grad_(False)
        last = encoder.projection[-1]
        assert isinstance(last, nn.Linear)
        self.register_buffer("queue", F.normalize(torch.randn(queue, last.out_features)))
        self.register_buffer("position", torch.zeros((), dtype=torch.long))
        self.queue: Tensor
        self.position: Tensor

    def forward(self, query_images: Tensor, key_images: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, 3, S, S) in [-1, 1] -> the contrastive loss and the keys (B, D).

        Sample i of both shares its degradation. The keys go to `enqueue` after the update.
        """
        queries = _project(self.query_encoder, query_images)
        with torch.no_grad():
            keys = _across_processes(self.key_encoder, key_images)
        positive = (queries * keys).sum(1, keepdim=True)
        negative = queries @ self.queue.clone().T
        logits = torch.cat([positive, negative], dim=1) / self.temperature
        target = torch.zeros(len(logits), dtype=torch.long, device=logits.device)
        return F.cross_entropy(logits, target), keys

    @torch.no_grad()
    def follow(self) -> None:
        """Move the key encoder's parameters (not its BatchNorm statistics) toward the query's."""
        keys, queries = self.key_encoder.parameters(), self.query_encoder.parameters()
        for key, query in zip(keys, queries, strict=True):
            key.lerp_(query, 1 - self.momentum)

    @torch.no_grad()
    def enqueue(self, keys: Tensor) -> None:
        """Replace the oldest keys of the queue; the batch must divide it."""
        if len(self.queue) % len(keys):
            raise ValueError(
                f"The queue ({len(self.queue)}) must be a multiple of the batch ({len(keys)})."
            )
        first = int(self.position)
        self.queue[first : first + len(keys)] = keys
        self.position.fill_((first + len(keys)) % len(self.queue))


def _project(encoder: DegradationEncoder, images: Tensor) -> Tensor:
    return F.normalize(encoder.projection(encoder.average_features(images)).float())


def _gather(x: Tensor) -> Tensor:
    if not dist.is_initialized():
        return x
    parts = [torch.empty_like(x) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, x.contiguous())
    return torch.cat(parts)


def _across_processes(encoder: DegradationEncoder, images: Tensor) -> Tensor:
    """Keys of this process, normalised by BatchNorm over samples of other processes.

    Otherwise the statistics of a batch would tell which key belongs to which query (MoCo's
    shuffling).
    """
    if not dist.is_initialized():
        return _project(encoder, images)
    everything = _gather(images)
    order = torch.randperm(len(everything), device=images.device)
    dist.broadcast(order, src=0)
    mine = slice(dist.get_rank() * len(images), (dist.get_rank() + 1) * len(images))
    keys = _gather(_project(encoder, everything[order[mine]]))
    return keys[order.argsort()[mine]]


def degraded_pairs(sampler: FaceSampler, config: UdrlConfig, step: int) -> tuple[Tensor, Tensor]:
    """Two batches of different faces in [-1, 1]; sample i of both has the same degradation."""
    queries, keys = sampler(2 * step), sampler(2 * step + 1)
    generator = sampler.generator(step, purpose=2)
    if config.crop:
        top, left = torch.randint(
            0, queries.shape[-1] - config.crop + 1, (2,), generator=generator
        ).tolist()
        window = (..., slice(top, top + config.crop), slice(left, left + config.crop))
        queries, keys = queries[window], keys[window]
    parameters = sample_degradations(
        PRESETS[config.degradation],
        len(queries),
        generator=generator,
        image_size=sampler.config.image_size,
    )
    pair = [degrade(images, parameters, generator=generator) for images in (queries, keys)]
    return to_network(pair[0]), to_network(pair[1])


class DegradationTraining:
    """Encoder, contrast, optimiser and data of one run, and its step."""

    def __init__(self, config: UdrlConfig, session: TrainingSession) -> None:
        self.config, self.session, self.step = config, session, 0
        network = PaniniConfig.preset(config.model)
        self.encoder = DegradationEncoder(
            network.degradation_layers,
            pool=network.degradation_pool,
            patch=network.degradation_patch,
            discriminants=network.degradation_discriminants,
        )
        if config.initial_degradation_encoder:
            load_degradation_encoder(config.initial_degradation_encoder, self.encoder)
        self.contrast = MomentumContrast(
            self.encoder,
            queue=config.queue,
            momentum=config.momentum,
            temperature=config.temperature,
        ).to(session.device)
        self.optimizer = torch.optim.SGD(
            self.encoder.parameters(),
            lr=config.run.learning_rate,
            momentum=config.sgd_momentum,
            weight_decay=config.weight_decay,
        )
        self.parallel = session.parallel(self.contrast)
        self.sampler = session.sampler(config.data)

    def state_dict(self) -> dict[str, Any]:
        return {"contrast": self.contrast.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.step = state["step"]
        self.contrast.load_state_dict(state["contrast"])
        self.optimizer.load_state_dict(state["optimizer"])

    def train_step(self) -> None:
        config, session = self.config, self.session
        for group in self.optimizer.param_groups:
            group["lr"] = session.learning_rate(self.step, config.run.learning_rate)
        queries, keys = degraded_pairs(self.sampler, config, self.step)
        self.contrast.follow()
        with session.autocast():
            loss, new_keys = self.parallel(queries, keys)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.contrast.enqueue(_gather(new_keys))
        session.record(loss=loss.detach())
        self.step += 1

    def preview(self) -> dict[str, float]:
        """Nothing to be seen: the atlas draws what an encoder knows."""
        return {}

    def write_result(self) -> Path:
        path = self.session.folder / RESULT_FILE
        state = self.encoder.state_dict()
        weights = {name: value.contiguous().cpu() for name, value in state.items()}
        save_file(weights, path, {"panini_model": self.config.model})
        return path


def train_degradation(config_path: str | Path, overrides: Sequence[str] = ()) -> Path:
    """Train the degradation encoder; resumes if the run's folder holds a state.

    Returns the file with the encoder's weights, which the restorer's configuration names. A run
    that reached its end also fits the discriminants, if the model has any.
    """
    config = load_config(config_path, UdrlConfig, overrides)
    torch.manual_seed(config.run.seed)
    with TrainingSession(config.run) as session:
        training = DegradationTraining(config, session)
        result = run_training(training, session)
        finished = training.step >= config.run.steps or config.run.minutes
        if finished and training.encoder.discriminants is not None and session.is_main:
            fit_discriminants(
                training.encoder,
                training.sampler.faces,
                PRESETS[config.degradation],
                groups=config.discriminant_groups,
                faces_per_group=config.discriminant_faces,
                seed=config.run.seed,
            )
            result = training.write_result()
        return result
