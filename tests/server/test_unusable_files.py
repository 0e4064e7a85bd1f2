"""Model files that are broken, of something else or gone: the user is told, the queue goes on."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from safetensors.torch import save_file

from .client import Client, InvalidPromptError
from .lab import Lab
from .model_files import COMPACT_WEIGHTS, DETECTOR_WEIGHTS, installed
from .pictures import landscape, portrait
from .server import Server


class Loader(NamedTuple):
    """A node that loads a file: its widget, the folder of models, and where its output goes."""

    class_type: str
    widget: str
    folder: str
    socket: str

    def use(self, lab: Lab, name: str) -> str:
        """Restore a picture with a file; the number of the node that loads it."""
        node = lab.add(self.class_type, **{self.widget: name})
        image = lab.picture(landscape(), "no face.png")
        lab.show_image([lab.restore(image, **{self.socket: [node, 0]}), 0])
        return node

    def listed(self, client: Client) -> list[str]:
        """The files that the widget offers."""
        definition = client.object_info(self.class_type)[self.class_type]
        return definition["input"]["required"][self.widget][1]["options"]


MODEL = Loader("PaniniLoadModel", "model_name", "facerestore_models", "model")
DETECTOR = Loader("PaniniLoadDetector", "detector_name", "facedetection", "detector")


@pytest.fixture
def lab(client: Client) -> Lab:
    return Lab(client)


def copy_of(source: Path, share: float = 1.0) -> Callable[[Path], object]:
    """Writes the first part of a file."""

    def write(target: Path) -> None:
        content = source.read_bytes()
        target.write_bytes(content[: int(len(content) * share)])

    return write


def write_web_page(target: Path) -> None:
    target.write_text("<html>You have reached your quota</html>", encoding="utf-8")


def write_upscaler(target: Path) -> None:
    torch.save({"params_ema": {"conv_first.weight": torch.zeros(4, 3, 3, 3)}}, target)


def write_other_tensors(target: Path) -> None:
    save_file({"lora.up.weight": torch.zeros(4, 4)}, target)


@pytest.mark.parametrize(
    ("loader", "name", "write", "advice"),
    [
        (MODEL, "half.safetensors", copy_of(COMPACT_WEIGHTS, 0.5), "Get the file again"),
        (MODEL, "page.pth", write_web_page, "download may be incomplete, or a web page"),
        (MODEL, "upscaler.pth", write_upscaler, "another face restorer.*conv_first"),
        (MODEL, "detector.safetensors", copy_of(DETECTOR_WEIGHTS), "expected a.*Panini"),
        (DETECTOR, "half.pth", copy_of(DETECTOR_WEIGHTS, 0.5), "Get the file again"),
        (DETECTOR, "lora.safetensors", write_other_tensors, "is not RetinaFace"),
        (DETECTOR, "restorer.safetensors", copy_of(COMPACT_WEIGHTS), "is not RetinaFace"),
    ],
    ids=[
        "half a model",
        "web page",
        "other network",
        "detector as model",
        "half a detector",
        "other tensors",
        "model as detector",
    ],
)
def test_files_that_cannot_be_used_are_named_and_the_queue_goes_on(
    lab: Lab,
    server: Server,
    loader: Loader,
    name: str,
    write: Callable[[Path], object],
    advice: str,
) -> None:
    with installed(server, f"{loader.folder}/{name}", write):
        node = loader.use(lab, name)
        run = lab.client.queue(lab.prompt)

        behind = Lab(lab.client)
        behind.show_image(behind.picture(landscape(), "no face.png"))
        assert lab.client.run(behind.prompt).status == "success"
    assert lab.client.wait(run).status == "error" and run.error is not None
    assert run.error.node == node
    assert run.error.exception_type.endswith("CheckpointError")
    assert name in run.error.message
    assert re.search(advice, run.error.message)


@pytest.mark.parametrize("loader", [MODEL, DETECTOR], ids=["model", "detector"])
def test_a_file_that_is_gone_is_named(lab: Lab, server: Server, loader: Loader) -> None:
    """A list that the browser holds is older than the folder."""
    with installed(server, f"{loader.folder}/gone.safetensors", write_other_tensors):
        assert "gone.safetensors" in loader.listed(lab.client)
    node = loader.use(lab, "gone.safetensors")
    complaint = complaint_of(lab, node)
    assert "gone.safetensors" in complaint
    assert "refresh the lists" in complaint or "not in list" in complaint


def complaint_of(lab: Lab, node: str) -> str:
    """What the user reads: not every version of ComfyUI checks lists before the run."""
    try:
        run = lab.client.run(lab.prompt)
    except InvalidPromptError as error:
        return error.details(node)
    assert run.error is not None and run.error.node == node
    return run.error.message


def test_a_file_that_goes_while_its_run_waits_is_named(lab: Lab, server: Server) -> None:
    busy = Lab(lab.client)
    image = busy.picture(portrait(), "portrait.png")
    copies = busy.add("RepeatImageBatch", image=image, amount=3)
    busy.show_image([busy.restore([copies, 0]), 0])
    with installed(server, "facerestore_models/going.safetensors", write_other_tensors):
        node = MODEL.use(lab, "going.safetensors")
        first, second = busy.client.queue(busy.prompt), lab.client.queue(lab.prompt)
    lab.client.wait(first).raise_for_error()
    assert lab.client.wait(second).status == "error" and second.error is not None
    assert (second.error.node, second.error.exception_type) == (node, "FileNotFoundError")
    assert "going.safetensors is no longer in" in second.error.message
    assert "refresh the lists" in second.error.message
