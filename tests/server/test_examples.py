"""The example workflows do what they say, with the bundled weights, as a user would queue them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from panini_core import sample_photo

from .client import Client
from .model_files import (
    default_weights_have_a_mean_latent,
    installed,
    read_clip,
    write_checkpoint,
    write_clip,
    write_gfpgan,
)
from .pictures import Pasted, Pixels, difference, images, pasted, pixels, portrait
from .prompts import Previews, PromptBuilder
from .run import Run
from .server import PROJECT_ROOT, Server
from .workflow import BYPASSED, to_api

EXAMPLES = PROJECT_ROOT / "example_workflows"
PICTURE = "portrait.png"  # what the workflows open
CLIP, RATE = "clip.mp4", 12
FACELESS = 4  # a frame of the clip
PASTING = ("PaniniPasteFaces", "PaniniRestoreImage")  # give an image and a mask
PREVIEW_LOSS = 3  # mean difference in levels that WebP may make
CODEC_LOSS = 4  # and H.264


@dataclass(frozen=True)
class Example:
    """A workflow after its run, with previews of all that was pasted."""

    client: Client
    builder: PromptBuilder
    run: Run
    shown: dict[str, Previews]  # by the node that pastes

    def images(self, node: str) -> Pixels:
        return images(self.client, self.run, node)

    def pasted(self, node: str) -> Pasted:
        return pasted(self.client, self.run, self.shown[node])

    def saved(self, prefix: str) -> Pasted:
        """What the workflow saves under a name, with what stands behind it; both must agree."""
        [node] = self.builder.nodes("SaveImage", filename_prefix=f"panini/{prefix}")
        pasted = self.pasted(self.builder.prompt[node]["inputs"]["images"][0])
        assert np.array_equal(self.images(node), pasted.after)
        return pasted

    def check_comparison(self, before: Pixels, after: Pixels) -> None:
        """The pictures under the slider are there and show these images."""
        [node] = self.builder.nodes("PaniniCompareImages")
        [payload] = self.run.outputs[node]["panini_compare"]
        assert payload["version"] == 1 and payload["total"] == len(payload["pairs"]) == len(before)
        for pair, *compared in zip(payload["pairs"], before, after, strict=True):
            for side, image in zip(("before", "after"), compared, strict=True):
                picture = pixels(self.client.picture(pair[side]))
                assert pair[f"{side}_size"] == [image.shape[1], image.shape[0]]
                assert difference(picture, image) < PREVIEW_LOSS
        if "faces" in self.builder.prompt[node]["inputs"]:
            assert [len(pair["faces"]) for pair in payload["pairs"]] == [1] * len(before)


@pytest.fixture(scope="module")
def photograph() -> Image.Image:
    """One face."""
    return portrait()


def sample(preset: str, seed: int, *, grey: bool = False) -> Pixels:
    """What Sample Photo gives, in levels."""
    photo = sample_photo(preset, seed=seed, grey=grey)[0].movedim(0, -1)
    return (photo.numpy() * 255).round().astype(np.int16)


@pytest.fixture
def play(client: Client, photograph: Image.Image) -> Callable[..., Example]:
    """play(name, change=None): the run of an example, on the photograph as its picture.

    `change` gets the builder of the prompt before it is queued.
    """

    def run(name: str, change: Callable[[PromptBuilder], object] | None = None) -> Example:
        assert client.upload_image(photograph, PICTURE) == PICTURE
        workflow = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
        builder = PromptBuilder(client, to_api(workflow, client.object_info()))
        if change is not None:
            change(builder)
        shown = {
            node: builder.show_pasting(node) for kind in PASTING for node in builder.nodes(kind)
        }
        done = client.run(builder.prompt).raise_for_error()
        return Example(client, builder, done, shown)

    return run


def test_every_example_is_played() -> None:
    tests = [name for name in globals() if name.startswith("test_")]
    for example in EXAMPLES.glob("*.json"):
        assert f"test_{example.stem}" in tests


def test_restore_a_photo(play: Callable[..., Example]) -> None:
    example = play("restore_a_photo")
    result = example.saved("restored")
    result.check()
    assert difference(result.before[0], sample("mild", 3)) < 1
    example.check_comparison(result.before, result.after)


def test_stages_by_hand(play: Callable[..., Example]) -> None:
    """They do what the single node does with its defaults, to the bit."""
    example = play("stages_by_hand")
    result = example.saved("stages")
    result.check()
    assert difference(result.before[0], sample("mild", 3)) < 1
    example.check_comparison(result.before, result.after)
    assert np.array_equal(result.after, play("restore_a_photo").saved("restored").after)
    for kind, payload in (
        ("PaniniDetectFaces", "panini_faces"),
        ("PaniniSelectFaces", "panini_faces"),
        ("PaniniExtractDegradation", "panini_degradation"),
        ("PaniniFusionWeights", "panini_alpha"),
    ):
        [node] = example.builder.nodes(kind)
        assert example.run.outputs[node][payload][0]["version"] == 1


def on_a_clean_photo(builder: PromptBuilder) -> None:
    """A blurred picture would be like what the prior draws.

    And pull no face toward the average face if the bundled weights do not know it.
    """
    [photo] = builder.nodes("PaniniSamplePhoto")
    builder.prompt[photo]["inputs"]["preset"] = "clean"
    if not default_weights_have_a_mean_latent():
        for node in builder.nodes("PaniniRestoreFaces"):
            builder.prompt[node]["inputs"]["latent_pull"] = 0.0


def test_editable_restoration(play: Callable[..., Example]) -> None:
    """The faithful face is closer to the picture than the beautiful one."""
    example = play("editable_restoration", on_a_clean_photo)
    faithful, beautiful = example.saved("faithful"), example.saved("beautiful")
    for result in (faithful, beautiful):
        result.check()
    assert faithful.change < beautiful.change
    example.check_comparison(faithful.after, beautiful.after)


def test_swap_the_degradation(play: Callable[..., Example]) -> None:
    """A face that is treated as if it were degraded otherwise turns out otherwise."""
    example = play("swap_the_degradation")
    swapped = example.saved("swapped")
    [plain] = [example.pasted(node) for node in example.shown if not is_saved(example, node)]
    for result in (plain, swapped):
        result.check()
    assert difference(plain.after, swapped.after) > 0.1 * plain.change
    example.check_comparison(plain.after, swapped.after)


def is_saved(example: Example, node: str) -> bool:
    return bool(example.builder.nodes("SaveImage", images=[node, 0]))


def test_diffusion_between_align_and_paste(play: Callable[..., Example], server: Server) -> None:
    """One step of a network of random numbers, on small crops."""
    shown: list[str] = []

    def make_it_quick(builder: PromptBuilder) -> None:
        [sampler], [encode] = builder.nodes("KSampler"), builder.nodes("VAEEncode")
        builder.prompt[sampler]["inputs"] |= {"steps": 1, "denoise": 1.0}
        crops = builder.prompt[encode]["inputs"]["pixels"]
        small = builder.add("ImageScale", image=crops, width=64, height=64)
        builder.prompt[encode]["inputs"]["pixels"] = [small, 0]
        [decode] = builder.nodes("VAEDecode")
        shown.append(builder.show_image([decode, 0]))

    checkpoint = "checkpoints/v1-5-pruned-emaonly-fp16.safetensors"
    with installed(server, checkpoint, write_checkpoint):
        example = play("diffusion_between_align_and_paste", make_it_quick)
    kinds = [example.builder.prompt[node]["class_type"] for node in example.run.executed]
    chain = ["PaniniRestoreFaces", "VAEEncode", "KSampler", "VAEDecode", "PaniniPasteFaces"]
    assert [kind for kind in kinds if kind in chain] == chain
    [decoded] = example.images(shown[0])
    assert decoded.shape == (64, 64, 3) and decoded.std() > 1  # numbers, not NaN
    result = example.saved("diffusion")
    result.check()
    example.check_comparison(result.before, result.after)


def test_another_restorer(play: Callable[..., Example], server: Server) -> None:
    """GFPGAN's network, of random numbers."""
    with installed(server, "facerestore_models/GFPGANv1.4.pth", write_gfpgan):
        example = play("another_restorer")
    result = example.saved("other")
    result.check()
    example.check_comparison(result.before, result.after)


def test_old_photograph(play: Callable[..., Example]) -> None:
    """Twice as large, and as grey as it was."""
    example = play("old_photograph")
    [node] = example.builder.nodes("SaveImage", filename_prefix="panini/old")
    [picture] = example.images(node)
    assert picture.shape == (1024, 1024, 3)
    assert np.array_equal(picture[..., 0], picture[..., 1])
    assert np.array_equal(picture[..., 1], picture[..., 2])
    small = picture.reshape(512, 2, 512, 2, 3).mean((1, 3))
    assert 0.5 < difference(small, sample("film-grain", 0, grey=True)) < 10


def test_after_a_face_swap(client: Client) -> None:
    """The swap is another pack's, which is not here: the node is bypassed."""
    workflow = json.loads((EXAMPLES / "after_a_face_swap.json").read_text(encoding="utf-8"))
    note, *nodes = workflow["nodes"]
    assert "*ReActor*" in note["widgets_values"][0]  # it says what is needed
    [swap] = [node for node in nodes if node["type"] == "ReActorFaceSwap"]
    swap["mode"] = BYPASSED
    workflow["nodes"] = [node for node in nodes if node["type"] != "LoadImage"]
    builder = PromptBuilder(client, to_api(workflow, client.object_info()))
    [node] = builder.nodes("PaniniRestoreImage")
    shown = {node: builder.show_pasting(node)}
    example = Example(client, builder, client.run(builder.prompt).raise_for_error(), shown)
    result = example.saved("swapped-face")
    result.check()
    example.check_comparison(result.before, result.after)


def clip_frames(photograph: Image.Image) -> Pixels:
    """A face that moves to the left, and is not there for one frame."""
    frames = [pixels(photograph)[16:208, 16 + step : 208 + step] for step in range(0, 32, 4)]
    frames[FACELESS] = np.flip(frames[FACELESS][96:144, :48], 0).repeat(4, 0).repeat(4, 1)
    return np.stack(frames)


def test_video_frames(
    play: Callable[..., Example], client: Client, photograph: Image.Image, tmp_path: Path
) -> None:
    """Every frame comes back; the one without a face as it was, but for the codec."""
    frames = clip_frames(photograph)
    write_clip(tmp_path / CLIP, frames.astype(np.uint8), RATE)
    assert client.upload_image(tmp_path / CLIP, CLIP) == CLIP
    example = play("video_frames")
    [node] = example.builder.nodes("PaniniRestoreImage")
    result = example.pasted(node)
    assert result.before.shape == frames.shape
    assert difference(result.before, frames) < CODEC_LOSS
    assert np.array_equal(result.after[FACELESS], result.before[FACELESS])
    assert not result.inside[FACELESS].any()
    faces = np.arange(len(frames)) != FACELESS
    Pasted(result.before[faces], result.after[faces], result.inside[faces]).check()
    example.check_comparison(result.before, result.after)

    video, rate = saved_video(example, tmp_path)
    assert video.shape == frames.shape and rate == RATE
    for shown, restored in zip(video, result.after, strict=True):
        assert difference(shown, restored) < CODEC_LOSS


def saved_video(example: Example, folder: Path) -> tuple[Pixels, float]:
    """The frames (N, H, W, 3) of the video that the workflow saved, and their rate."""
    [node] = example.builder.nodes("SaveVideo")
    [reference] = example.run.outputs[node]["images"]
    query: dict[str, Any] = {name: reference[name] for name in ("filename", "subfolder", "type")}
    file = folder / "result.mp4"
    file.write_bytes(example.client.get("/view", **query))
    frames, rate = read_clip(file)
    return frames.astype(np.int16), rate
