"""Nodes at work on the server: progress, previews, the cache, errors and Cancel."""

from __future__ import annotations

import time
from typing import Any

import pytest
from PIL import Image

from .client import Client, Prompt
from .run import Run

SECONDS = 300  # until a node has begun its work, on a busy machine
RESTORE = "4"


def entry(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def restoration(client: Client, picture: str, *, copies: int = 1, **options: Any) -> Prompt:
    """A photograph through the node that does it all; its other widgets have their defaults."""
    widgets = client.object_info("PaniniRestoreImage")["PaniniRestoreImage"]["input"]["required"]
    defaults = {name: spec[1]["default"] for name, spec in widgets.items() if "default" in spec[1]}
    model, detector = "auto", "bundled"
    return {
        "0": entry("LoadImage", image=picture),
        "1": entry("RepeatImageBatch", image=["0", 0], amount=copies),
        "2": entry("PaniniLoadModel", model_name=model, dtype="fp32"),
        "3": entry("PaniniLoadDetector", detector_name=detector),
        RESTORE: entry(
            "PaniniRestoreImage",
            image=["1", 0],
            model=["2", 0],
            detector=["3", 0],
            **(defaults | options),
        ),
        "5": entry("PreviewImage", images=[RESTORE, 0]),
        "6": entry("PreviewAny", source=[RESTORE, 2]),
    }


@pytest.fixture
def picture(client: Client) -> str:
    """A photograph of one face, in the input folder."""
    data = pytest.importorskip("skimage.data", reason="needs scikit-image's photographs")
    return client.upload_image(Image.fromarray(data.astronaut()[:256, 96:352]), "astronaut.png")


def wait_for_progress(run: Run, node: str) -> None:
    end = time.monotonic() + SECONDS
    while not any(step.node == node for step in run.progress):
        assert time.monotonic() < end and not run.finished.is_set(), run
        time.sleep(0.05)


def test_a_photograph_is_restored_with_progress_and_previews(client: Client, picture: str) -> None:
    run = client.run(restoration(client, picture)).raise_for_error()
    [before] = [client.picture({"filename": picture, "subfolder": "", "type": "input"})]
    [after] = client.images(run, "5")
    assert after.size == before.size and after.tobytes() != before.tobytes()
    assert "1 of 1" in run.outputs["6"]["text"][0]
    steps = [step for step in run.progress if step.node == RESTORE]
    assert steps and all(0 < step.value <= step.maximum for step in steps)
    assert [preview.node for preview in run.previews] == [RESTORE]


def test_changing_a_widget_loads_nothing_again(client: Client, picture: str) -> None:
    client.run(restoration(client, picture, fidelity=0.4)).raise_for_error()
    again = client.run(restoration(client, picture, fidelity=0.6)).raise_for_error()
    assert set(again.executed) == {RESTORE, "5", "6"}
    assert {"0", "1", "2", "3"} <= set(again.cached)


def test_nothing_runs_twice(client: Client, picture: str) -> None:
    prompt = restoration(client, picture, fidelity=0.3)
    first = client.run(prompt).raise_for_error()
    second = client.run(prompt).raise_for_error()
    assert second.executed == [] and second.outputs == first.outputs


def test_a_broken_chain_is_explained(client: Client, picture: str) -> None:
    prompt = restoration(client, picture)
    detect = {"threshold": 0.6, "min_size": 0, "max_size": 0, "smoothing": 0.0, "overlay": False}
    prompt["7"] = entry("PaniniDetectFaces", image=["0", 0], detector=["3", 0], **detect)
    restore = {"noise_seed": 0, "noise_amount": 0.0, "latent_pull": 0.0}
    prompt["8"] = entry("PaniniRestoreFaces", model=["2", 0], faces=["7", 0], **restore)
    prompt["9"] = entry("PreviewImage", images=["8", 0])
    run = client.run({number: prompt[number] for number in "023789"})
    assert run.status == "error" and run.error is not None
    assert (run.error.node, run.error.exception_type) == ("8", "ValueError")
    assert "Align Faces" in run.error.message


def test_cancel_stops_a_batch_and_the_next_run_works(client: Client, picture: str) -> None:
    run = client.queue(restoration(client, picture, copies=200))
    wait_for_progress(run, RESTORE)
    client.interrupt()
    assert client.wait(run).status == "interrupted"
    last = [step for step in run.progress if step.node == RESTORE][-1]
    assert last.value < last.maximum
    client.run(restoration(client, picture)).raise_for_error()
