"""Filling the networks of this package from checkpoint files of every layout."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..compute import choose_dtype, choose_layout
from ..models.degradation_encoder import DegradationEncoder
from ..models.panini import PaniniConfig, PaniniNet
from ..models.precision import full_precision_names, set_precision, wide
from ..options import AUTO
from . import layouts, own_format
from .bundled import find_weights
from .fidelity_file import fidelity_path, read_fidelity
from .files import CheckpointError, CheckpointFile, read_file, refuse_overflow
from .layouts import Layout, Table, recognise, select, unexpected_layout
from .matching import match_tensors
from .mean_latent import MEAN_LATENT, estimate_mean_latent
from .own_format import save_panini


def load_panini(
    path: str | PathLike[str] | None = None,
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype | None = None,
    runs_on: str | torch.device | None = None,
) -> PaniniNet:
    """A Panini network in eval mode from our `.safetensors` or an official MMEditing file.

    `mobile` or `compact`: a network that comes with this package; None: the default one where it
    runs (see `default_network`). The layout is recognised by the tensors' names and
    an official network's sizes are read from their shapes. Floating-point tensors of any precision
    become `dtype`, on `device`, but for those of parts that always compute in float32. None is
    what restores fastest where the network runs (see `choose_dtype`): to train or convert a
    network, ask for torch.float32. `runs_on`: the device that it is moved to later, if that is not
    `device`. Torch's random state is not touched. A file without a mean latent gets one estimated,
    if its mapping network is trained; else it stays unknown. The fidelity curve that lies beside
    the file, if there is one, becomes the model's.

    Raises CheckpointError if the file is missing, damaged, of something else, or does not match
    its network exactly.
    """
    runs_on = device if runs_on is None else runs_on
    file = read_file(find_weights(path, runs_on=runs_on))
    return panini_of_file(file, device=device, dtype=dtype, runs_on=runs_on)


def panini_of_file(
    file: CheckpointFile,
    *,
    device: str | torch.device,
    dtype: torch.dtype | None,
    runs_on: str | torch.device,
) -> PaniniNet:
    """The network of a file that was read: see `load_panini`."""
    dtype = choose_dtype(AUTO, runs_on) if dtype is None else dtype
    if not dtype.is_floating_point:
        raise ValueError(f"dtype must be a floating-point type, got {dtype}.")
    layout = recognise(file.tensors)
    if layout is Layout.PANINI:
        tensors, table = file.tensors, None
        config = own_format.read_config(file)
    elif layout is Layout.OFFICIAL_PANINI:
        tensors = layouts.official_panini_tensors(file.tensors)
        config = layouts.read_config(file, tensors)
        table = layouts.panini_table(config)
    else:
        raise unexpected_layout(file, layout, Layout.PANINI, Layout.OFFICIAL_PANINI)
    model = _skeleton(file, config)
    tensors = match_tensors(file, tensors, model, table, optional=(MEAN_LATENT,))

    # The file's tensors become the network's; copies, since they may be mapped from the file.
    estimate = MEAN_LATENT not in tensors
    full = full_precision_names(model)
    tensors.setdefault(MEAN_LATENT, torch.zeros(model.mean_latent.shape))
    model.load_state_dict(
        {
            name: _copy(tensor, device, wide(dtype) if name in full else dtype)
            for name, tensor in tensors.items()
        },
        strict=True,
        assign=True,
    )
    set_precision(model.to(device=device), dtype)  # also of filters that no file holds
    if estimate:
        model.mean_latent.copy_(estimate_mean_latent(model.gan_prior))
    converted = model.state_dict()
    narrowed = [name for name, it in tensors.items() if _reaches_beyond(it, converted[name].dtype)]
    refuse_overflow(file.path, {name: converted[name] for name in narrowed}, dtype)
    model.to(memory_format=choose_layout(dtype, runs_on))
    model.fidelity_curve = read_fidelity(fidelity_path(file.path), model)
    return model.eval()


def convert_checkpoint(
    source: str | PathLike[str],
    target: str | PathLike[str],
    *,
    dtype: torch.dtype | None = None,
) -> None:
    """Read a Panini network in any layout and write our `.safetensors` (`dtype` None: float32).

    Raises CheckpointError for the source, ValueError for weights that `dtype` cannot hold.
    """
    model = load_panini(source, dtype=torch.float32)
    save_panini(target, model, dtype=dtype, metadata={"source": Path(source).name})


def load_degradation_encoder(path: str | PathLike[str], encoder: DegradationEncoder) -> None:
    """Fill a degradation encoder in place, from what UDRL training left or a whole network.

    Accepts the official MoCo file (its query encoder), an encoder of ours by itself, and whole
    networks in both layouts. Raises CheckpointError if it does not match exactly.
    """
    file = read_file(path)
    layout = recognise(file.tensors)
    table: Table | None = None
    if layout is Layout.DEGRADATION_ENCODER:
        tensors = file.tensors
    elif layout is Layout.PANINI:
        tensors = select(file.tensors, "degradation_encoder.")
    elif layout in (Layout.OFFICIAL_UDRL, Layout.OFFICIAL_PANINI):
        table = layouts.degradation_encoder_table(len(encoder.features) // 3)
        if layout is Layout.OFFICIAL_UDRL:
            tensors = layouts.moco_tensors(file.tensors)
        else:
            restorer = layouts.official_panini_tensors(file.tensors)
            tensors = select(restorer, layouts.DEGRADATION_PREFIX)
    else:
        raise unexpected_layout(
            file, layout, Layout.OFFICIAL_UDRL, Layout.DEGRADATION_ENCODER, Layout.PANINI
        )
    encoder.load_state_dict(match_tensors(file, tensors, encoder, table), strict=True)


def _copy(tensor: Tensor, device: str | torch.device, dtype: torch.dtype) -> Tensor:
    kind = dtype if tensor.is_floating_point() else tensor.dtype
    return tensor.to(device, kind, copy=True, memory_format=torch.contiguous_format)


def _reaches_beyond(tensor: Tensor, dtype: torch.dtype) -> bool:
    return tensor.is_floating_point() and torch.finfo(tensor.dtype).max > torch.finfo(dtype).max


def _skeleton(file: CheckpointFile, config: PaniniConfig) -> PaniniNet:
    """The network without numbers: shapes are compared before any memory is taken."""
    try:
        with _Unfilled(), torch.device("meta"):
            return PaniniNet(config)
    except (ValueError, TypeError, RuntimeError, ArithmeticError, IndexError) as error:
        raise CheckpointError(
            file.path, f"its configuration describes no network ({error}): {config}"
        ) from error


_FIRST_NUMBERS = (torch.randn, torch.eye)  # that PaniniNet's parts begin with


class _Unfilled(TorchFunctionMode):
    """Leaves out first numbers: where there is no memory for them, torch would load its compiler
    and sympy to draw none, which takes longer than a picture."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        own = getattr(func, "__module__", None)
        if func.__name__ in ("normal_", "uniform_") or own == nn.init.__name__:
            return args[0] if args else kwargs["tensor"]
        return torch.empty(*args) if func in _FIRST_NUMBERS else func(*args, **kwargs)
