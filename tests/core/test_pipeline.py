from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from panini_core import pipeline
from panini_core.checkpoints.detector import load_detector
from panini_core.faces import Face, FaceSet
from panini_core.images import read_image
from panini_core.models.face_detector import Detections
from panini_core.models.face_restorer import CropRestorer, RestorerKind
from panini_core.models.image_upscaler import ImageUpscaler
from panini_core.models.panini import PaniniConfig, PaniniNet
from panini_core.options import RestoreOptions
from panini_core.pipeline import (
    Restoration,
    represent_in_images,
    restore_images,
    restore_images_with_report,
)
from panini_core.stages.align import align_faces, template
from panini_core.stages.alpha import apply_fidelity, weigh_features
from panini_core.stages.clip import SHARE_TO_GO_ON, detect_in_clip
from panini_core.stages.detect import detect_faces
from panini_core.stages.enlarge import enlarge
from panini_core.stages.paste import paste_faces
from panini_core.stages.represent import represent_degradation
from panini_core.stages.restore import restore_faces
from panini_core.stages.smooth import smooth_degradation, smooth_faces

SIZE = (140, 200)


class Finder:
    """Finds one upright face for every white corner pixel: one in row 0, one more in row 1."""

    device = torch.device("cpu")

    def __call__(self, images: Tensor, threshold: float) -> list[Detections]:
        return [self._find(image, threshold) for image in images]

    def _find(self, image: Tensor, threshold: float) -> Detections:
        scale = image.shape[-1] / SIZE[1]
        places = [(10.0, 20.0, 60.0), (110.0, 30.0, 80.0)]  # x, y and side of the crop
        count = int(image[0, 0, 0].item() * 2 + 0.5)
        rows = [(template(512) / 512 * side + torch.tensor([x, y])) for x, y, side in places]
        landmarks = torch.stack(rows).float()[:count] * scale
        boxes = torch.cat([landmarks.amin(1) - 10 * scale, landmarks.amax(1) + 10 * scale], dim=1)
        scores = torch.tensor([0.9, 0.7])[:count]
        return Detections(boxes, landmarks, scores).select(scores > threshold)


def picture(faces: int, seed: int = 0) -> Tensor:
    image = torch.rand(3, *SIZE, generator=torch.Generator().manual_seed(seed))
    image[:, :20, :20] = faces / 2  # tells the finder how many faces to find
    return image


@pytest.fixture(scope="module")
def model() -> PaniniNet:
    torch.manual_seed(0)
    model = PaniniNet(PaniniConfig.preset("tiny")).eval()
    with torch.no_grad():  # a new network changes nothing; this one does
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
        model.mean_latent.normal_()
    return model


@pytest.fixture
def images() -> Tensor:
    return torch.stack([picture(2, 1), picture(0, 2), picture(1, 3)])


def test_faces_of_all_images_are_restored_together(images: Tensor, model: PaniniNet) -> None:
    progress: list[tuple[int, int]] = []
    crops: list[Tensor] = []

    def on_chunk(done: int, total: int, latest: Tensor) -> None:
        progress.append((done, total))
        crops.append(latest)

    before = images.clone()
    result = restore_images_with_report(
        Finder(),
        model,
        images,
        RestoreOptions(batch=2),
        on_chunk=on_chunk,
    )
    assert progress == [(2, 3), (3, 3)]
    assert result.restored is not None
    assert torch.equal(torch.cat(crops), result.restored.crops)
    assert [face.image_index for face in result.restored.face_set.faces] == [0, 0, 2]
    assert result.restored.face_set.crops.shape[-1] == model.config.input_size
    assert result.restored.crops.shape == (3, 3, *[model.config.output_size] * 2)
    assert [len(report.found) for report in result.reports] == [2, 0, 1]
    assert [report.selected for report in result.reports] == [(True, True), (), (True,)]
    assert "2 of 2" in result.reports[0].note
    assert "No face was found" in result.reports[1].note
    assert result.seconds > 0
    assert torch.equal(images, before)

    changed = (result.images != images).any(1, keepdim=True)
    assert changed[0].any()
    assert not changed[1].any()
    assert changed[2].any()
    assert not changed[result.masks == 0].any()


def test_a_batch_gives_what_its_images_give(images: Tensor, model: PaniniNet) -> None:
    together = restore_images(Finder(), model, images)
    for index in range(3):
        alone = restore_images(Finder(), model, images[index : index + 1])
        torch.testing.assert_close(together[index], alone[0], atol=1e-3, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_without_a_face_the_input_comes_back(dtype: torch.dtype, model: PaniniNet) -> None:
    images = picture(0)[None].to(dtype)
    result = restore_images_with_report(Finder(), model, images)
    assert result.images.dtype == dtype
    assert torch.equal(result.images, images)
    assert result.masks.eq(0).all()
    assert result.restored is not None and len(result.restored.face_set) == 0


def test_the_rule_selects_faces_of_each_image(images: Tensor, model: PaniniNet) -> None:
    result = restore_images_with_report(Finder(), model, images, RestoreOptions(faces="1"))
    assert [report.selected for report in result.reports] == [(False, True), (), (False,)]
    assert "1 of 2" in result.reports[0].note
    assert "'1' names none of the 1 faces" in result.reports[2].note
    assert torch.equal(result.images[2], images[2])


def test_faces_keep_their_numbers_through_the_pipeline(images: Tensor, model: PaniniNet) -> None:
    options = RestoreOptions(sort="large to small", faces="1", smoothing=1)
    result = restore_images_with_report(Finder(), model, images, options)
    numbers = [[face.number for face in report.found] for report in result.reports]
    # The larger one is in the first image only; in the second, another picture, there is none.
    assert numbers == [[0, 1], [], [1]]
    assert result.restored is not None
    faces = result.restored.face_set.faces
    assert [(face.image_index, face.number) for face in faces] == [(0, 1), (2, 1)]
    assert len({face.track for face in faces}) == 1


def test_the_noise_of_a_face_does_not_depend_on_which_others_are_selected(
    images: Tensor, model: PaniniNet
) -> None:
    both, second = (
        restore_images_with_report(
            Finder(), model, images[:1], RestoreOptions(faces=faces, noise_amount=0.9, batch=1)
        ).restored
        for faces in ("all", "1")
    )
    assert both is not None and second is not None
    assert torch.equal(both.crops[1], second.crops[0])


def test_options_reach_their_stages(images: Tensor, model: PaniniNet) -> None:
    plain = restore_images(Finder(), model, images)
    assert torch.equal(restore_images(Finder(), model, images, RestoreOptions(strength=0)), images)
    strict = restore_images_with_report(Finder(), model, images, RestoreOptions(threshold=0.8))
    assert [len(report.found) for report in strict.reports] == [1, 0, 1]
    large = restore_images(Finder(), model, images, RestoreOptions(upscale=2))
    assert large.shape == (3, 3, 2 * SIZE[0], 2 * SIZE[1])
    for options in (
        RestoreOptions(fidelity=1),
        RestoreOptions(fidelity=0),
        RestoreOptions(feather=0.3),
        RestoreOptions(match_colour=False),
        RestoreOptions(noise_amount=0.8),
        RestoreOptions(latent_pull=0.8),
    ):
        assert not torch.equal(restore_images(Finder(), model, images, options), plain)


def test_a_callback_may_stop_the_work(images: Tensor, model: PaniniNet) -> None:
    def stop(*progress: object) -> None:
        raise KeyboardInterrupt

    for name in ("on_image", "on_chunk"):
        with pytest.raises(KeyboardInterrupt):
            restore_images(Finder(), model, images, **{name: stop})


# --- many images --------------------------------------------------------------------------------


@pytest.fixture
def many() -> Tensor:
    return torch.stack([picture(index % 3, index) for index in range(8)])


@pytest.mark.parametrize(
    "options",
    [
        RestoreOptions(batch=1),
        RestoreOptions(batch=1, fidelity=0.3, latent_pull=0.2),
        RestoreOptions(batch=1, noise_amount=0.7),
    ],
    ids=["plain", "edited", "noise"],
)
def test_with_a_batch_of_one_the_grouping_changes_nothing(
    options: RestoreOptions, many: Tensor, model: PaniniNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = restore_images_with_report(Finder(), model, many, options)
    for most in (1, 3):
        monkeypatch.setattr(pipeline, "FACES_PER_GROUP", most)
        grouped = restore_images_with_report(Finder(), model, many, options)
        assert torch.equal(grouped.images, together.images)
        assert torch.equal(grouped.masks, together.masks)
    for index in (2, 7):
        alone = restore_images(Finder(), model, many[index : index + 1], options)
        assert torch.equal(alone[0], together.images[index])


def test_few_crops_are_held_at_a_time(
    many: Tensor, model: PaniniNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "FACES_PER_GROUP", 3)
    held: list[int] = []
    align = pipeline.align_faces

    def count(images: Tensor, faces: list[Face], *, size: int) -> FaceSet:
        held.append(len(faces))
        return align(images, faces, size=size)

    monkeypatch.setattr(pipeline, "align_faces", count)
    result = restore_images_with_report(
        Finder(), model, many, RestoreOptions(batch=2), keep_faces=False
    )
    assert result.restored is None
    assert sum(held) == 7 and max(held) <= 3
    assert (result.images != many).flatten(1).any(1).tolist() == [n % 3 > 0 for n in range(8)]


@pytest.mark.parametrize("batch", [1, 5])
def test_degradations_in_images_are_those_of_their_crops(
    batch: int, many: Tensor, model: PaniniNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces = detect_faces(Finder(), many)
    size = model.config.input_size
    expected = represent_degradation(model, align_faces(many, faces, size=size), batch=1)
    held: list[int] = []

    def count(images: Tensor, faces: list[Face], *, size: int) -> FaceSet:
        held.append(len(faces))
        return align_faces(images, faces, size=size)

    monkeypatch.setattr(pipeline, "FACES_PER_GROUP", 3)
    monkeypatch.setattr(pipeline, "align_faces", count)
    found = represent_in_images(model, many, faces, batch=batch)
    assert held == ([3, 3, 1] if batch == 1 else [5, 2])
    if batch == 1:
        assert torch.equal(found.vectors, expected.vectors)
    torch.testing.assert_close(found.vectors, expected.vectors, atol=1e-4, rtol=1e-4)


def test_no_faces_have_no_degradation(many: Tensor, model: PaniniNet) -> None:
    found = represent_in_images(model, many, [])
    assert found.vectors.shape == (0, model.config.degradation_size)


def test_progress_counts_over_all_groups(
    many: Tensor, model: PaniniNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "FACES_PER_GROUP", 3)
    faces: list[tuple[int, int]] = []
    seen: list[tuple[int, int]] = []
    restore_images(
        Finder(),
        model,
        many,
        RestoreOptions(batch=2),
        on_image=lambda *progress: seen.append(progress),
        on_chunk=lambda done, total, latest: faces.append((done, total)),
    )
    assert [done for done, _ in faces] == sorted({done for done, _ in faces})
    assert faces[-1] == (7, 7) and {total for _, total in faces} == {7}
    assert seen[-1] == (8, 8)


def test_no_images_give_none(model: PaniniNet) -> None:
    result = restore_images_with_report(Finder(), model, torch.zeros(0, 3, *SIZE))
    assert result.images.shape == (0, 3, *SIZE) and result.reports == ()


class Misleader(Finder):
    """Gives the second face the landmarks of one that lies on its side."""

    def _find(self, image: Tensor, threshold: float) -> Detections:
        found = super()._find(image, threshold)
        middles = found.landmarks.mean(1, keepdim=True)
        turned = (found.landmarks - middles).flip(2) * torch.tensor([-1.0, 1.0]) + middles
        landmarks = torch.cat([found.landmarks[:1], turned[1:]])
        return Detections(found.boxes, landmarks, found.scores)


def test_a_face_that_no_landmarks_fit_is_left_alone_and_the_report_says_so(
    model: PaniniNet,
) -> None:
    images = picture(2)[None]
    usual = restore_images_with_report(Finder(), model, images, RestoreOptions(faces="0"))
    result = restore_images_with_report(Misleader(), model, images)
    (report,) = result.reports
    assert report.selected == (True, False)
    assert [face.reliable for face in report.found] == [True, False]
    assert report.left_alone == 1
    assert report.note == (
        "1 of 2 faces found were restored. Left alone, since no landmarks fit: 1."
    )
    assert torch.equal(result.images, usual.images)
    assert torch.equal(result.masks, usual.masks)


class Trembler(Finder):
    """Sees its faces a little elsewhere in every image."""

    def __call__(self, images: Tensor, threshold: float) -> list[Detections]:
        generator = torch.Generator().manual_seed(0)
        scale = images.shape[-1] / 640
        return [
            Detections(one.boxes, one.landmarks + shift * scale, one.scores)
            for one in super().__call__(images, threshold)
            for shift in [torch.randn(5, 2, generator=generator)]
        ]


def test_in_a_clip_crops_and_degradations_become_steady(
    model: PaniniNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "FACES_PER_GROUP", 3)
    frames = picture(1).expand(10, -1, -1, -1)
    vectors: list[Tensor] = []
    predict = PaniniNet.predict_alpha

    def keep(network: PaniniNet, degradation: Tensor) -> Tensor:
        vectors.append(degradation)
        return predict(network, degradation)

    monkeypatch.setattr(PaniniNet, "predict_alpha", keep)

    def restore(frames_of_smoothing: float) -> tuple[Restoration, Tensor, Tensor]:
        options = RestoreOptions(smoothing=frames_of_smoothing)
        result = restore_images_with_report(Trembler(), model, frames, options)
        assert result.restored is not None
        spread = result.restored.face_set.to_crop.std(0).mean()
        unsteady = torch.cat(vectors).std(0).mean()
        vectors.clear()
        return result, spread, unsteady

    plain, crops, degradations = restore(0)
    smooth, smooth_crops, smooth_degradations = restore(4)
    assert smooth_crops < 0.6 * crops
    assert smooth_degradations < 0.6 * degradations
    for one, other in zip(plain.reports, smooth.reports, strict=True):  # as detected, in both
        assert torch.equal(one.found[0].landmarks, other.found[0].landmarks)
        assert other.selected == (True,)


def test_in_a_clip_every_face_is_aligned_and_represented_once(
    model: PaniniNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "FACES_PER_GROUP", 2)
    frames = torch.stack([picture(1, index) for index in range(9)])
    align, aligned = pipeline.align_faces, list[Face]()
    encode, encoded = PaniniNet.encode_degradation, list[int]()

    def count_faces(images: Tensor, faces: list[Face], *, size: int) -> FaceSet:
        aligned.extend(faces)
        return align(images, faces, size=size)

    def count_crops(network: PaniniNet, crops: Tensor) -> Tensor:
        encoded.append(len(crops))
        return encode(network, crops)

    monkeypatch.setattr(pipeline, "align_faces", count_faces)
    monkeypatch.setattr(PaniniNet, "encode_degradation", count_crops)
    for smoothing in (0, 1):
        restore_images(Finder(), model, frames, RestoreOptions(smoothing=smoothing))
        assert [face.image_index for face in aligned] == list(range(9))
        assert sum(encoded) == 9
        aligned.clear()
        encoded.clear()


def test_a_clip_is_restored_as_its_stages_restore_it(
    model: PaniniNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = torch.stack([picture(1 + index % 2, index) for index in range(7)])
    faces = smooth_faces(detect_in_clip(Finder(), frames), 0.6)
    crops = align_faces(frames, faces, size=model.config.input_size)
    steady = smooth_degradation(represent_degradation(model, crops, batch=1), faces, 0.6)
    weights = apply_fidelity(weigh_features(model, steady, batch=1), 0.7)
    expected = paste_faces(frames, restore_faces(model, crops, weights, batch=1))

    monkeypatch.setattr(pipeline, "FACES_PER_GROUP", 2)
    options = RestoreOptions(smoothing=0.6, fidelity=0.7, batch=1)
    found = restore_images(Finder(), model, frames, options)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


# --- who is who in a clip -----------------------------------------------------------------------


class Script:
    """Finds in each frame what is written: x, y and side of the crop, and the score."""

    device = torch.device("cpu")

    def __init__(self, frames: Sequence[Sequence[tuple[float, float, float, float]]]) -> None:
        self.frames = frames

    def play(self) -> Tensor:
        """The frames: a smooth picture that stands, and a corner that tells which one it is."""
        smooth = F.avg_pool2d(picture(0), 25, stride=1, padding=12)
        images = (0.5 + 5 * (smooth - 0.5)).clamp(0, 1).repeat(len(self.frames), 1, 1, 1)
        images[:, :, :20, :20] = torch.arange(len(images)).view(-1, 1, 1, 1) / 50
        return images

    def __call__(self, images: Tensor, threshold: float) -> list[Detections]:
        return [self._find(image, threshold) for image in images]

    def _find(self, image: Tensor, threshold: float) -> Detections:
        scale = image.shape[-1] / SIZE[1]
        closer = image.shape[-1] == image.shape[-2]  # closer looks show nothing
        frame: Sequence[tuple[float, float, float, float]] = []
        if not closer:
            frame = self.frames[round(image[0, 0, 0].item() * 50)]
        written = torch.tensor(frame).view(-1, 4)
        corner, side, scores = written[:, None, :2], written[:, None, 2:3], written[:, 3]
        landmarks = (template(512).float() / 512 * side + corner) * scale
        boxes = torch.cat([landmarks.amin(1) - 10 * scale, landmarks.amax(1) + 10 * scale], dim=1)
        return Detections(boxes, landmarks, scores).select(scores > threshold)


def test_in_a_clip_faces_go_on_where_they_hardly_show_and_through_gaps(model: PaniniNet) -> None:
    weak = 0.6 * SHARE_TO_GO_ON + 0.05
    scores = [weak, 0.9, weak, weak, 0.9, 0, 0, 0.9, 0.2, weak, 0, 0]
    script = Script([[(40 + 2 * frame, 30, 70, score)] for frame, score in enumerate(scores)])
    images = script.play()
    plain, clip = (
        restore_images_with_report(script, model, images, RestoreOptions(smoothing=smoothing))
        for smoothing in (0, 2)
    )
    assert [len(report.found) for report in plain.reports] == [s > 0.6 for s in scores]
    assert [sum(report.selected) for report in clip.reports] == [1] * 10 + [0, 0]
    filled = [index for index, one in enumerate(clip.reports) if any(f.filled for f in one.found)]
    assert filled == [5, 6, 8]
    told = [index for index, one in enumerate(clip.reports) if "Filled in" in one.note]
    assert told == filled
    changed = (clip.images != images).flatten(1).any(1).tolist()
    assert changed == [True] * 10 + [False] * 2
    assert not any("Filled in" in report.note for report in plain.reports)


def crossing(speed: float) -> Script:
    """A large face that stands, and a small one that passes it and is hidden meanwhile."""
    frames: list[list[tuple[float, float, float, float]]] = []
    for frame in range(9):
        x = 70 - speed * (frame - 4)
        shown = abs(x - 70) > 25
        frames.append([(70, 20, 90, 0.9), *([(x, 50, 60, 0.8)] if shown else [])])
    return Script(frames)


@pytest.mark.parametrize("speed", [-30, 12, 30])
@pytest.mark.parametrize(
    ("choice", "tall"),
    [
        ({"faces": "largest"}, True),
        ({"sort": "large to small", "max_faces": 1}, True),
        ({"sort": "small to large", "faces": "1"}, True),
        ({"sort": "small to large", "faces": "0"}, False),
        ({"sort": "centre", "faces": "0"}, True),
        ({"faces": "centre"}, True),
    ],
)
def test_in_a_clip_a_choice_stays_with_one_face(
    model: PaniniNet, speed: float, choice: dict[str, Any], tall: bool
) -> None:
    script = crossing(speed)
    options = RestoreOptions(smoothing=2, batch=16, **choice)
    result = restore_images_with_report(script, model, script.play(), options)
    assert result.restored is not None
    chosen = result.restored.face_set.faces
    assert len({face.track for face in chosen}) == 1
    assert len({face.number for face in chosen}) == 1
    assert len({face.image_index for face in chosen}) == len(chosen)
    assert {face.size > 39 for face in chosen} == {tall}
    if tall:
        assert len(chosen) == 9
    for report in result.reports:
        numbers = [face.number for face in report.found]
        assert numbers == sorted({n for n in numbers if n is not None})


def test_who_is_larger_for_a_moment_is_not_the_largest(model: PaniniNet) -> None:
    """The left face shrinks for two frames; without smoothing the other one is taken there."""
    script = Script(
        [[(10, 30, 74 if frame in (3, 4) else 80, 0.9), (110, 30, 77, 0.9)] for frame in range(8)]
    )
    images = script.play()
    plain, clip = (
        restore_images_with_report(
            script, model, images, RestoreOptions(faces="largest", smoothing=smoothing)
        )
        for smoothing in (0, 2)
    )
    assert [report.selected[1] for report in plain.reports] == [f in (3, 4) for f in range(8)]
    assert [report.selected for report in clip.reports] == [(True, False)] * 8
    assert {report.found[0].track for report in clip.reports} == {0}


# --- options ------------------------------------------------------------------------------------


def test_sizes_bound_which_faces_are_found(images: Tensor, model: PaniniNet) -> None:
    plain = restore_images_with_report(Finder(), model, images)
    small, large = (face.size for face in plain.reports[0].found)
    middle = (small + large) / 2
    for options, size in (
        (RestoreOptions(min_size=middle), large),
        (RestoreOptions(max_size=middle), small),
    ):
        result = restore_images_with_report(Finder(), model, images, options)
        assert [face.size for face in result.reports[0].found] == pytest.approx([size], abs=0.5)


def test_the_order_numbers_the_faces_and_a_limit_keeps_the_first(
    images: Tensor, model: PaniniNet
) -> None:
    options = RestoreOptions(sort="large to small", max_faces=1)
    result = restore_images_with_report(Finder(), model, images, options)
    sizes = [face.size for face in result.reports[0].found]
    assert sizes == sorted(sizes, reverse=True)
    assert result.reports[0].selected == (True, False)
    assert "1 of 2" in result.reports[0].note


def test_a_real_photograph(shared: Path, model: PaniniNet) -> None:
    image = read_image(shared / "data/photos/group_four_small.jpg").pixels[None]
    result = restore_images_with_report(load_detector("bundled"), model, image)
    assert result.reports[0].selected == (True,) * 4
    outside = (result.masks == 0).expand_as(image)
    assert torch.equal(result.images[outside], image[outside])
    assert torch.isfinite(result.images).all()
    assert 0 <= result.images.min() <= result.images.max() <= 1


# --- other methods' networks, and backgrounds -----------------------------------------------------


class Invert(nn.Module):
    """Gives faces back inverted."""

    def __init__(self) -> None:
        super().__init__()
        self.sign = nn.Parameter(-torch.ones(()))

    def forward(self, faces: Tensor) -> Tensor:
        return faces * self.sign


def other_restorer() -> CropRestorer:
    kind = RestorerKind("Other", lambda network, faces, _: network(faces), size=48)
    return CropRestorer(Invert(), kind)


@pytest.mark.parametrize("smoothing", [0, 2])
def test_other_restorers_go_the_whole_way(images: Tensor, smoothing: float) -> None:
    options = RestoreOptions(smoothing=smoothing, match_colour=False)
    result = restore_images_with_report(Finder(), other_restorer(), images, options)
    assert result.restored is not None
    before, after = result.restored.face_set.crops, result.restored.crops
    assert before.shape == after.shape and before.shape[1:] == (3, 48, 48)
    assert len(before) >= 3
    # Smoothing steadies the restored faces themselves.
    torch.testing.assert_close(after, 1 - before, atol=0.1 if smoothing else 1e-5, rtol=0)
    assert torch.equal(result.images[1], images[1]) or smoothing
    outside = (result.masks == 0).expand_as(images)
    assert torch.equal(result.images[outside], images[outside])


def test_what_the_restorer_lacks_is_said_before_anything_is_done(images: Tensor) -> None:
    with pytest.raises(ValueError, match="Other has no latent_pull"):
        restore_images(Finder(), other_restorer(), images[1:2], RestoreOptions(latent_pull=0.5))


@pytest.mark.parametrize("upscale", [1, 2])
def test_upscalers_draw_every_background(images: Tensor, model: PaniniNet, upscale: int) -> None:
    """Also of the image without a face; the faces are the same."""

    def darken(pictures: Tensor) -> Tensor:
        return F.interpolate(pictures, scale_factor=2) / 2

    upscaler = ImageUpscaler("Darken", 2, darken, nn.Linear(1, 1))
    options = RestoreOptions(upscale=upscale, keep_detail=0, match_grain=False)
    result = restore_images_with_report(Finder(), model, images, options, upscaler=upscaler)
    plain = restore_images_with_report(Finder(), model, images, options)
    assert torch.equal(result.masks, plain.masks)
    assert result.restored is not None and plain.restored is not None
    assert torch.equal(result.restored.crops, plain.restored.crops)
    outside = (result.masks == 0).expand_as(result.images)
    expected = enlarge(images[1], tuple(result.images.shape[-2:]), upscaler)
    assert torch.equal(result.images[1], expected)
    share = result.images[outside].mean() / plain.images[outside].mean()
    assert share == pytest.approx(0.5, abs=0.02)
    inside = (result.masks == 1).expand_as(result.images)
    assert (result.images[inside] - plain.images[inside]).abs().max() < 1e-5


def test_grain_is_not_put_back_beside_what_an_upscaler_drew(
    images: Tensor, model: PaniniNet
) -> None:
    def smooth(pictures: Tensor) -> Tensor:
        return F.avg_pool2d(pictures, 5, stride=1, padding=2)

    upscaler = ImageUpscaler("Smooth", 1, smooth, nn.Linear(1, 1))
    grainy, plain = (
        restore_images(
            Finder(), model, images, RestoreOptions(match_grain=grain), upscaler=upscaler
        )
        for grain in (True, False)
    )
    assert torch.equal(grainy, plain)
