"""Training configurations: dataclasses that TOML files fill."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

CONFIG_FOLDER = Path(__file__).parent / "configs"


@dataclass(frozen=True, slots=True)
class DataConfig:
    """The clean faces and how they are varied before they are degraded."""

    sources: tuple[str, ...] = ()  # folders of images, and tar files of images
    image_size: int = 512  # px; other sizes are resized once, antialiased
    limit: int = 0  # read at most so many; 0 = all
    flip: bool = True
    max_shift: int = 0  # px, whole pixels: no resampling, no artefacts to learn
    colour: float = 0.0  # strength of brightness, contrast, saturation and tint changes, 0 to 1
    grey_probability: float = 0.0


@dataclass(frozen=True, slots=True)
class RunConfig:
    """Where a run keeps its state, how long it goes, how often it reports."""

    output: str = ""  # the run's folder: state, log, previews
    steps: int = 1000  # the step to stop at; raise it to go on later
    minutes: float = 0.0  # instead of steps: how long to train; the decay is the last two fifths
    batch: int = 8  # a process
    seed: int = 1
    device: str = "auto"  # cpu, cuda, cuda:1, mps; auto = the fastest there is
    bf16: bool = True  # bfloat16 autocast
    compile: bool = False  # torch.compile for what is only drawn: a minute more at the start
    timings: bool = False  # on accelerators: log the share of each part of a step, for some speed
    learning_rate: float = 1e-3
    warmup_steps: int = 100  # linear, from 0
    decay: str = "cosine"  # of the last decay_steps: "cosine", "linear" or "none"
    decay_steps: int = 300
    final_rate: float = 0.02  # share of the learning rate that is left at the end
    log_every: int = 20
    checkpoint_every: int = 200
    checkpoint_minutes: float = 0.0  # also save that long after the last time; 0 = no
    preview_every: int = 500


@dataclass(frozen=True, slots=True)
class UdrlConfig:
    """Contrastive pre-training of the degradation encoder (UDRL; defaults are the paper's)."""

    run: RunConfig = field(default_factory=RunConfig)
    data: DataConfig = field(default_factory=DataConfig)
    model: str = "compact"  # a PaniniConfig preset
    degradation: str = "training"  # a degradation preset
    crop: int = 0  # degrade and encode random crops of so many px; 0 = whole faces
    initial_degradation_encoder: str = ""  # weights to start from, as of the restorer
    queue: int = 8192
    momentum: float = 0.999
    temperature: float = 0.07
    weight_decay: float = 1e-4
    sgd_momentum: float = 0.9
    # Afterwards, if the model confines its DR to discriminants: fitted on so many degradations,
    # each put on so many faces.
    discriminant_groups: int = 320
    discriminant_faces: int = 8


@dataclass(frozen=True, slots=True)
class AdversaryConfig:
    """The adversary: StyleGAN2's discriminator, or a projected one on VGG features."""

    kind: str = "stylegan2"  # or "projected"
    weight: float = 0.0  # of the generator's adversarial loss
    # Instead of a weight: what its gradient is held at, relative to that of the other losses, both
    # measured at the picture. Neither = no adversary.
    gradient_share: float = 0.0
    start: int = 0  # first step with the adversary
    alone: int = 0  # so many steps from there on only the discriminator learns
    # What counts as real: crisp files, if their list is given (CSV: shard, name, source, scale).
    real_index: str = ""
    real_max_scale: float = 1.05  # how far the original was enlarged; above 1 it is softer
    real_without: tuple[str, ...] = ()  # sources that are left out
    channels: tuple[int, ...] = (512, 512, 512, 512, 512, 256, 128, 64, 32)  # at 4, 8, …
    # Its input size follows from the channels; if smaller than the image, it sees random crops.
    learning_rate: float = 1e-3
    r1: float = 10.0
    r1_every: int = 16


@dataclass(frozen=True, slots=True)
class LossConfig:
    """Weights of the restorer's losses; 0 switches one off and saves its cost."""

    pixel: float = 1.0  # L1 on [-1, 1]
    pixel_relative: float = 0.0  # L1 over the degraded picture's: mild cases count as heavy ones do
    drawn: float = 0.0  # of all picture losses once more, on the prior's drawing before the mixing
    inversion: float = 0.0  # of the inversion's loss, on drawn faces
    code: float = 1.0  # of the codes inside that
    perceptual: float = 0.1  # VGG distance
    texture: float = 0.0  # distance of Gram matrices, in quarters of what the perceptual loss sees
    perceptual_layers: tuple[str, ...] = ("relu1_2", "relu2_2", "relu3_4")
    perceptual_crop: int = 0  # on a random crop of so many px; 0 = the whole face
    perceptual_weights: str = ""  # VGG19 features as safetensors
    identity: float = 0.0  # 1 - cosine of the face embeddings
    identity_weights: str = ""  # MobileFaceNet, converted or as ONNX


@dataclass(frozen=True, slots=True)
class ValidationConfig:
    """Pairs that are measured and shown at each preview; empty folders = none."""

    degraded: str = ""
    clean: str = ""
    limit: int = 12


@dataclass(frozen=True, slots=True)
class RestorerConfig:
    """Training of the restorer."""

    run: RunConfig = field(default_factory=RunConfig)
    data: DataConfig = field(default_factory=DataConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    adversary: AdversaryConfig = field(default_factory=AdversaryConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)
    model: str = "compact"  # a PaniniConfig preset
    degradation: str = "training"  # a degradation preset; "none": only shrunk to the input size
    initial_model: str = ""  # weights to start from (ours or official)
    initial_degradation_encoder: str = ""  # a UDRL result (ours, or MoCo .pth.tar)
    initial_prior: str = ""  # a StyleGAN2 file, or the result of a prior run
    freeze_degradation_encoder: bool = False
    freeze_prior: bool = False
    prior_from: int = 0  # the resolution from which on the prior is trained; 0 = all of it
    prior_rate: float = 1.0  # learning rate of the GAN prior, relative
    alpha_rate: float = 0.0  # of the alpha predictor, relative; 0 = as the prior's
    drawn_share: float = 0.0  # of each batch: faces drawn by a GAN prior; 1 needs no data
    drawing_prior: str = ""  # the file of that prior; empty = the model's own as the run starts
    window: int = 0  # features (see windows.py) finer levels are computed for; 0 = whole faces
    whole_every: int = 0  # with a window: whole faces, and their identity, every so many steps
    # Share of faces whose alpha is moved at random, so that edited weights stay meaningful.
    alpha_jitter: float = 0.0
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.0
    gradient_clip: float = 0.0  # norm; 0 = none
    ema: float = 0.999


@dataclass(frozen=True, slots=True)
class PriorConfig:
    """Training of the GAN prior by itself, from scratch, as StyleGAN2."""

    run: RunConfig = field(default_factory=RunConfig)
    data: DataConfig = field(default_factory=DataConfig)
    adversary: AdversaryConfig = field(default_factory=lambda: AdversaryConfig(weight=1.0))
    model: str = "compact"  # a PaniniConfig preset
    betas: tuple[float, float] = (0.0, 0.99)
    ema: float = 0.999


@dataclass(frozen=True, slots=True)
class InversionConfig:
    """Learning a GAN prior's codes and features from degraded pictures of faces that it drew."""

    run: RunConfig = field(default_factory=RunConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)
    model: str = "mobile"  # a PaniniConfig preset
    degradation: str = "training"  # a degradation preset
    initial_prior: str = ""  # the GAN prior; stays as it is
    initial_model: str = ""  # a network to start from; its prior is replaced by initial_prior
    initial_encoder: str = ""  # of a new network: another one, whose encoders are taken as they fit
    views: int = 2  # how often each drawn face is degraded in a batch, differently
    truncation: tuple[float, float] = (0.5, 1.0)  # range of psi of the codes
    window: int = 0  # features (see windows.py): levels from there on are compared inside; 0 = all
    code_weight: float = 1.0  # of the codes' loss; the features' is 1
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.0
    gradient_clip: float = 1.0
    ema: float = 0.998


Config = TypeVar("Config", UdrlConfig, InversionConfig, RestorerConfig, PriorConfig)


def load_config(path: str | Path, kind: type[Config], overrides: Sequence[str] = ()) -> Config:
    """Read a TOML file; `overrides` are "section.key=value" with TOML values.

    A bare name is looked up among the configurations that ship with the package. Relative paths
    inside are relative to the working directory. Raises ValueError for unknown keys and values
    of the wrong type, FileNotFoundError for a missing file.
    """
    path = Path(path)
    shipped = CONFIG_FOLDER / f"{path.name}.toml"
    if not path.suffix and not path.exists() and shipped.is_file():
        path = shipped
    if not path.is_file():
        names = ", ".join(sorted(file.stem for file in CONFIG_FOLDER.glob("*.toml")))
        raise FileNotFoundError(f"No training configuration at {path}; shipped ones: {names}.")
    values = _parse_toml(path.read_text(encoding="utf-8"), str(path))
    for override in overrides:
        key, separator, value = override.partition("=")
        if not separator:
            raise ValueError(f"An override is section.key=value, got {override!r}.")
        try:
            parsed = _parse_toml(f"value = {value}", override)["value"]
        except ValueError:
            parsed = value  # a bare word is a string
        _assign(values, key.strip().split("."), parsed)
    return _build(kind, values, str(path))


def _parse_toml(text: str, origin: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        try:
            import tomli as tomllib
        except ImportError as error:
            raise ImportError(
                "Reading TOML on Python 3.10 needs tomli: pip install tomli"
            ) from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{origin} is not valid TOML: {error}.") from error


def _assign(values: dict[str, Any], keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        values = values.setdefault(key, {})
    values[keys[-1]] = value


def _build(kind: type[Any], values: Mapping[str, Any], origin: str) -> Any:
    hints = get_type_hints(kind)
    if unknown := sorted(set(values) - set(hints)):
        raise ValueError(
            f"{origin}: unknown key {unknown[0]!r}; known: {', '.join(sorted(hints))}."
        )
    built: dict[str, Any] = {}
    for key, value in values.items():
        hint = hints[key]
        if dataclasses.is_dataclass(hint):
            if not isinstance(value, Mapping):
                raise ValueError(f"{origin}: {key} must be a table, got {value!r}.")
            built[key] = _build(hint, value, f"{origin} [{key}]")  # pyright: ignore[reportArgumentType]
        else:
            built[key] = _coerce(value, hint, f"{origin}: {key}")
    return kind(**built)


def _coerce(value: Any, hint: Any, origin: str) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint in (int, float, str, bool):
        if type(value) is not hint:
            raise ValueError(f"{origin} must be {hint.__name__}, got {value!r}.")
        return value
    if not isinstance(value, list):
        raise ValueError(f"{origin} must be a list, got {value!r}.")
    return tuple(value)
