"""A network in ONNX behind torch's interface, computed by onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

# By the kind of torch's device, what computes there; the CPU is always at hand beside them.
PROVIDERS = {
    "cuda": ("CUDAExecutionProvider", "ROCMExecutionProvider", "DmlExecutionProvider"),
    "xpu": ("OpenVINOExecutionProvider", "DmlExecutionProvider"),
    "privateuseone": ("DmlExecutionProvider",),
}
CPU = "CPUExecutionProvider"
NUMBERS = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
}


class OnnxNetwork(nn.Module):
    """Faces in, faces out, one by one where the file has a fixed batch of 1.

    It computes where its module is: on a GPU if onnxruntime can, else on the CPU.
    """

    place: Tensor

    def __init__(self, path: Path, session: Any, faces: str, fidelity: str | None) -> None:
        """`session`: the file's `onnxruntime.InferenceSession` on the CPU; `faces`, `fidelity`: the
        names of its inputs."""
        super().__init__()
        # No number of its own: it tells, as those of other modules do, where and how to compute.
        self.register_buffer("place", torch.zeros(1))
        self._path = path
        self._session, self._providers = session, (CPU,)
        self._faces, self._fidelity = faces, fidelity
        inputs = {one.name: one for one in session.get_inputs()}
        self._numbers = {name: NUMBERS[one.type] for name, one in inputs.items()}
        self._fidelity_shape = [1] * len(inputs[fidelity].shape) if fidelity else []
        self._one_by_one = inputs[faces].shape[0] == 1

    def forward(self, faces: Tensor, fidelity: float = 0.5) -> Tensor:
        """Faces (N, 3, S, S) -> the first output, likewise, float32; both in the file's range."""
        groups = faces.split(1) if self._one_by_one else [faces]
        return torch.cat([self._run(group, fidelity) for group in groups]).to(faces.device)

    def _run(self, faces: Tensor, fidelity: float) -> Tensor:
        values = {self._faces: faces.cpu().numpy().astype(self._numbers[self._faces])}
        if self._fidelity:
            number = self._numbers[self._fidelity]
            values[self._fidelity] = np.full(self._fidelity_shape, fidelity, number)
        output = self._open().run(None, values)[0]
        return torch.from_numpy(np.asarray(output, dtype=np.float32))

    def _open(self) -> Any:
        """The session for the device on which the module is."""
        import onnxruntime

        wanted = PROVIDERS.get(self.place.device.type, ())
        known = onnxruntime.get_available_providers()
        providers = (*(name for name in wanted if name in known), CPU)
        if providers != self._providers:
            self._session = onnxruntime.InferenceSession(str(self._path), providers=[*providers])
            self._providers = providers
        return self._session
