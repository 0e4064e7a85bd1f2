"""Restore Faces in Video: files go through as films, images as a batch."""

from __future__ import annotations

import importlib
import io as memory
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from . import examples
from .pack import Pack

FRAMES = 4


def write_film(path: Path) -> Path:
    """The example photograph as a film with sound."""
    av = pytest.importorskip("av", reason="needs PyAV: pip install av")
    picture = (examples.photograph()[0].numpy() * 255).round().astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "5"})
        stream.height, stream.width, stream.pix_fmt = *picture.shape[:2], "yuv420p"
        tone = container.add_stream("aac", rate=44100, layout="mono")
        for index in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        samples = np.sin(np.arange(6000) * 0.05).astype(np.float32)[None]
        sound = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
        sound.sample_rate, sound.pts = 44100, 0
        container.mux(tone.encode(sound))
        container.mux(tone.encode(None))
    return path


def restore(pack: Pack, video: Any, **inputs: Any) -> Any:
    return pack.run(
        "PaniniRestoreVideo",
        video=video,
        model=examples.tiny_model(pack),
        detector=examples.detector(pack),
        **inputs,
    ).result


def left_behind() -> list[Path]:
    folders = importlib.import_module("folder_paths")
    return sorted(Path(folders.get_temp_directory()).glob("panini_*"))


@pytest.mark.parametrize("kept_in", ["file", "memory"])
def test_a_film_comes_back_as_a_film(comfy_pack: Pack, tmp_path: Path, kept_in: str) -> None:
    latest = importlib.import_module("comfy_api.latest")
    path = write_film(tmp_path / "a.mp4")
    source: Any = str(path) if kept_in == "file" else memory.BytesIO(path.read_bytes())
    video = latest.InputImpl.VideoFromFile(source)
    before = video.get_components()
    known = left_behind()
    result, report = restore(comfy_pack, video)
    after = result.get_components()
    assert after.images.shape == before.images.shape and after.frame_rate == before.frame_rate
    assert torch.equal(after.audio["waveform"], before.audio["waveform"])
    assert (after.images - before.images).abs().max() > 0.1
    assert f"{FRAMES} frames, {FRAMES} faces of 1 tracks restored" in report
    assert f"face 0: frames 0 to {FRAMES - 1}, " in report and report.endswith("px, restored")
    assert [file.suffix for file in left_behind() if file not in known] == [".mp4"]


def test_a_film_takes_what_the_node_for_images_takes(comfy_pack: Pack, tmp_path: Path) -> None:
    latest = importlib.import_module("comfy_api.latest")
    video = latest.InputImpl.VideoFromFile(str(write_film(tmp_path / "a.mp4")))
    before = video.get_components().images

    def change(**inputs: Any) -> torch.Tensor:
        result, _ = restore(comfy_pack, video, smoothing=0.0, **inputs)
        return (result.get_components().images - before).abs().mean(dim=(1, 2, 3))

    usual, left = change(), change(face_strength="0: 0")
    assert usual.min() > 2 * left.max()  # coding anew is all that changed
    oval = change(mask_source="oval", face_fidelity="0: 0.9", match_grain=False)
    assert (oval - usual).abs().min() > 0.001


EVERY_CHOICE = {
    "face_fidelity": "0: 0.8",
    "face_strength": "0: 0.6",
    "mask_source": "oval",
    "match_grain": False,
    "regions": "eyes: 0; skin: 0.7",
}


@pytest.mark.parametrize("chosen", [{}, EVERY_CHOICE], ids=["as usual", "every choice"])
def test_images_go_through_as_a_batch(comfy_pack: Pack, chosen: dict[str, Any]) -> None:
    latest = importlib.import_module("comfy_api.latest")
    images = examples.photograph().repeat(3, 1, 1, 1)
    parts = latest.Types.VideoComponents(images=images, frame_rate=Fraction(30))
    video = latest.InputImpl.VideoFromComponents(parts)
    result, report = restore(comfy_pack, video, smoothing=1.0, **chosen)
    expected = comfy_pack.run(
        "PaniniRestoreImage",
        image=images,
        model=examples.tiny_model(comfy_pack),
        detector=examples.detector(comfy_pack),
        smoothing=1.0,
        **chosen,
    ).result
    assert torch.equal(result.get_components().images, expected[0])
    assert result.get_components().frame_rate == 30
    assert report == expected[2]


def test_what_is_stopped_leaves_nothing(
    comfy_pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    latest = importlib.import_module("comfy_api.latest")
    video = latest.InputImpl.VideoFromFile(str(write_film(tmp_path / "a.mp4")))
    known = left_behind()
    progress = comfy_pack.part("nodes.host.progress").FilmProgress

    def stop(self: Any, done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(progress, "frame", stop)
    with pytest.raises(KeyboardInterrupt):
        restore(comfy_pack, video)
    assert left_behind() == known


def describe(pack: Pack, **seen: Any) -> list[str]:
    report = pack.part("panini_core.film").FilmReport(frames=4, **seen)
    return pack.part("nodes.restore_video")._describe(report, 0.6).splitlines()


def test_the_report_says_what_was_left_alone_and_what_to_do(comfy_pack: Pack) -> None:
    """In the words of Restore Faces."""
    face = comfy_pack.part("panini_core.film").FilmFace(0, 3, 20.0)
    alone, advice = "Left alone, since no landmarks fit: 4.", "A threshold below 0.60 finds more"
    assert any(line.startswith(advice) for line in describe(comfy_pack))
    assert describe(comfy_pack, left_alone=4)[-1] == alone
    lines = describe(comfy_pack, left_alone=4, faces={0: face})
    assert alone in lines and not any(line.startswith(advice) for line in lines)
    assert not any(alone[:10] in line for line in describe(comfy_pack, faces={0: face}))
