"""The harness itself, with nodes that come with ComfyUI."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from .client import Client, InvalidPromptError
from .server import Server


def entry(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def grey_picture(width: int, **save: Any) -> dict[str, dict[str, Any]]:
    """A prompt that makes a picture of one colour and saves or previews it."""
    empty = entry("EmptyImage", width=width, height=20, batch_size=2, color=0x336699)
    kind = "SaveImage" if save else "PreviewImage"
    return {"1": empty, "2": entry(kind, images=["1", 0], **save)}


def test_a_run_gives_outputs_images_and_the_order(client: Client) -> None:
    run = client.run(grey_picture(31)).raise_for_error()
    assert run.status == "success"
    assert run.executed == ["1", "2"] and run.cached == []
    images = client.images(run, "2")
    assert [image.size for image in images] == [(31, 20)] * 2
    assert images[0].getpixel((0, 0)) == (0x33, 0x66, 0x99)


def test_a_second_run_comes_from_the_cache(client: Client) -> None:
    client.run(grey_picture(33)).raise_for_error()
    again = client.run(grey_picture(33)).raise_for_error()
    assert again.executed == [] and sorted(again.cached) == ["1", "2"]
    assert len(client.images(again, "2")) == 2


def test_errors_of_a_node_are_reported(client: Client) -> None:
    run = client.run(grey_picture(35, filename_prefix="../../outside"))
    assert run.status == "error" and run.error is not None
    assert (run.error.node, run.error.node_type) == ("2", "SaveImage")
    assert "outside" in run.error.message
    with pytest.raises(AssertionError, match="outside"):
        run.raise_for_error()


def test_prompts_that_the_server_refuses_are_errors(client: Client) -> None:
    with pytest.raises(InvalidPromptError) as caught:
        client.queue({"1": entry("EmptyImage", width=-1), "2": entry("PreviewImage")})
    assert "images" in caught.value.details("2")


def test_uploaded_images_can_be_loaded(client: Client, tmp_path: Path) -> None:
    image = Image.new("RGB", (7, 5), (10, 200, 30))
    file = tmp_path / "file.png"
    image.save(file)
    for source in (image, file):
        name = client.upload_image(source, "picture of the test.png")
        prompt = {"1": entry("LoadImage", image=name), "2": entry("PreviewImage", images=["1", 0])}
        [shown] = client.images(client.run(prompt).raise_for_error(), "2")
        assert shown.size == (7, 5) and shown.getpixel((3, 3)) == (10, 200, 30)


def test_freeing_memory_empties_the_cache(client: Client) -> None:
    client.run(grey_picture(37)).raise_for_error()
    client.free()
    client.run(grey_picture(38)).raise_for_error()  # the worker frees between two runs
    assert client.run(grey_picture(37)).raise_for_error().executed == ["1", "2"]


def test_the_server_works_below_its_base_folder(client: Client, server: Server) -> None:
    client.run(grey_picture(39, filename_prefix="kept")).raise_for_error()
    saved = list((server.base / "output").glob("kept*.png"))
    assert len(saved) == 2
