"""Face restorers in ONNX files, computed by onnxruntime."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from panini_core import restore_faces, whole_picture_faces
from panini_core.checkpoints.files import CheckpointError
from panini_core.checkpoints.image_models import load_restorer
from panini_core.models.face_restorer import CropRestorer

SIDE = 64

pytest.importorskip("onnx", reason="writes the files")
pytest.importorskip("onnxruntime", reason="reads the files")


def write(
    path: Path,
    *,
    batch: int | str = 1,
    side: int | str = SIDE,
    fidelity: str | None = None,
    doubled: Sequence[int] = (),
    number: str = "FLOAT",
    value_range: str | None = None,
) -> Path:
    """A network that halves its faces or, with a fidelity, multiplies them by it; what it gives is
    put beside itself along the axes of `doubled`."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    kind = getattr(TensorProto, number)
    shape = [batch, 3, side, side]
    inputs = [helper.make_tensor_value_info("input", kind, shape)]
    nodes, constants, factor = [], [], fidelity
    if fidelity is None:
        half = np.array(0.5, helper.tensor_dtype_to_np_dtype(kind))
        constants, factor = [numpy_helper.from_array(half, "half")], "half"
    else:
        inputs.append(helper.make_tensor_value_info(fidelity, TensorProto.DOUBLE, [1]))
        nodes.append(helper.make_node("Cast", [fidelity], ["factor"], to=kind))
        factor = "factor"
    nodes.append(helper.make_node("Mul", ["input", factor], ["face"]))
    last = "face"
    for axis in doubled:
        nodes.append(helper.make_node("Concat", [last, last], [f"face{axis}"], axis=axis))
        last = f"face{axis}"
    given = [batch, "channels", "height", "width"] if doubled else shape
    outputs = [helper.make_tensor_value_info(last, kind, given)]
    graph = helper.make_graph(nodes, "network", inputs, outputs, constants)
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    if value_range is not None:
        helper.set_model_props(model, {"value_range": value_range})
    onnx.save(model, str(path))
    return path


@pytest.mark.parametrize("batch", [1, "batch"])
@pytest.mark.parametrize("number", ["FLOAT", "FLOAT16"])
def test_faces_go_through_the_file(tmp_path: Path, batch: int | str, number: str) -> None:
    path = write(tmp_path / "GPEN-BFR-64.onnx", batch=batch, number=number)
    restorer = load_restorer(path)
    assert isinstance(restorer, CropRestorer) and not restorer.training
    assert (restorer.name, restorer.input_size, restorer.output_size) == ("GPEN-BFR-64", SIDE, SIDE)
    assert (restorer.device, restorer.dtype) == (torch.device("cpu"), torch.float32)
    faces = torch.rand(3, 3, SIDE, SIDE) * 2 - 1
    torch.testing.assert_close(restorer(faces), faces / 2, atol=1e-3, rtol=0)
    crops = restore_faces(restorer, whole_picture_faces((faces + 1) / 2)).crops
    torch.testing.assert_close(crops, (faces / 2 + 1) / 2, atol=1e-3, rtol=0)
    with pytest.raises(ValueError, match="GPEN-BFR-64 has no fidelity"):
        restore_faces(restorer, whole_picture_faces(faces.abs()), fidelity=0.8)


@pytest.mark.parametrize("name", ["w", "weight"])
def test_a_second_input_is_the_fidelity(tmp_path: Path, name: str) -> None:
    restorer = load_restorer(write(tmp_path / "codeformer.onnx", fidelity=name))
    faces = torch.rand(2, 3, SIDE, SIDE)
    half = restore_faces(restorer, whole_picture_faces(faces)).crops
    torch.testing.assert_close(half, (faces + 0.5) / 2, atol=1e-6, rtol=0)
    whole = restore_faces(restorer, whole_picture_faces(faces), fidelity=1).crops
    torch.testing.assert_close(whole, faces, atol=1e-6, rtol=0)


def test_the_value_range_may_be_named(tmp_path: Path) -> None:
    restorer = load_restorer(write(tmp_path / "ours.onnx", value_range="[0, 1]"))
    faces = torch.rand(1, 3, SIDE, SIDE)
    restored = restore_faces(restorer, whole_picture_faces(faces)).crops
    torch.testing.assert_close(restored, faces / 2, atol=1e-6, rtol=0)


def test_a_network_for_any_size_gets_faces_of_512(tmp_path: Path) -> None:
    restorer = load_restorer(write(tmp_path / "any.onnx", side="side"))
    assert (restorer.input_size, restorer.output_size) == (512, 512)


def test_other_networks_are_refused(tmp_path: Path) -> None:
    swapper = write(tmp_path / "swapper.onnx", fidelity="source")
    with pytest.raises(CheckpointError, match=r"expected a face restorer with one .*found input "):
        load_restorer(swapper)
    upscaler = write(tmp_path / "x2.onnx", doubled=(2, 3))
    with pytest.raises(CheckpointError, match=r"found the output face3 .*128, 128"):
        load_restorer(upscaler)
    parser = write(tmp_path / "parser.onnx", doubled=(1,))
    with pytest.raises(
        CheckpointError, match=r"gives faces \(N, 3, 64, 64\), found the output .*6, 64, 64"
    ):
        load_restorer(parser)


def test_bad_files_and_choices_are_explained(tmp_path: Path, monkeypatch: Any) -> None:
    path = write(tmp_path / "gpen.onnx")
    with pytest.raises(ValueError, match=r"gpen.onnx computes as its file says, got bfloat16"):
        load_restorer(path, dtype=torch.bfloat16)
    with pytest.raises(CheckpointError, match="there is no such file"):
        load_restorer(tmp_path / "none.onnx")
    pointer = tmp_path / "pointer.onnx"
    pointer.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0")
    with pytest.raises(CheckpointError, match="expected an ONNX file, found the pointer that Git"):
        load_restorer(pointer)
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(path.read_bytes()[:60])
    with pytest.raises(CheckpointError, match="onnxruntime cannot read it"):
        load_restorer(damaged)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r"gpen.onnx: .*pip install onnxruntime"):
        load_restorer(path)
