"""Detect Faces and Select Faces: faces, overlay, and what the face board gets."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from . import examples
from .pack import Pack


def test_frames_differ_in_their_number_of_faces(comfy_pack: Pack) -> None:
    batch = torch.cat([examples.photograph(), examples.landscape(), examples.photograph()])
    output = comfy_pack.run(
        "PaniniDetectFaces", image=batch, detector=examples.detector(comfy_pack)
    )
    faces, count, overlay = output.result
    assert count == len(faces) == 2
    assert [face.image_index for face in faces.faces] == [0, 2]
    assert overlay.shape == batch.shape
    assert not torch.equal(overlay[0], batch[0])
    assert (overlay[1] - batch[1]).abs().max() <= 0.5 / 255 + 1e-6  # drawn as 8 bits

    (payload,) = output.ui["panini_faces"]
    assert payload["version"] == 1
    assert payload["total_frames"] == 3
    assert payload["sort"] is None  # the node has no choice of it
    assert [len(frame["faces"]) for frame in payload["frames"]] == [1, 0, 1]
    face = payload["frames"][0]["faces"][0]
    assert face["number"] == 0
    assert face["selected"]
    assert face["severity"] is None
    assert face["score"] > 0.9


def test_the_overlay_can_be_left_out(comfy_pack: Pack) -> None:
    image = examples.photograph()
    found = examples.detector(comfy_pack)
    output = comfy_pack.run("PaniniDetectFaces", image=image, detector=found, overlay=False)
    assert torch.equal(output.result[2], image)


def test_the_overlay_is_what_is_drawn_on_each_image(comfy_pack: Pack) -> None:
    batch = torch.cat([examples.photograph(), examples.landscape(), examples.photograph().flip(2)])
    found = examples.detector(comfy_pack)
    faces, _, overlay = comfy_pack.run("PaniniDetectFaces", image=batch, detector=found).result
    for index, image in enumerate(batch):
        drawn = comfy_pack.core.draw_faces(image.movedim(-1, 0), faces.of_image(index))
        assert torch.equal(overlay[index], drawn.movedim(0, -1))


def test_with_a_model_the_board_tells_severities_from_few_crops_at_a_time(
    comfy_pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    sharp = examples.photograph()
    small = torch.nn.functional.avg_pool2d(sharp.movedim(-1, 1), 4)
    poor = torch.nn.functional.interpolate(small, sharp.shape[1:3]).movedim(1, -1)
    batch = torch.cat([sharp, poor, examples.landscape(), sharp.flip(2), poor.flip(2)])
    inputs = {"detector": examples.detector(comfy_pack), "model": examples.model(comfy_pack)}

    def severities() -> list[list[float]]:
        output = comfy_pack.run("PaniniDetectFaces", image=batch, **inputs)
        frames = output.ui["panini_faces"][0]["frames"]
        return [[face["severity"] for face in frame["faces"]] for frame in frames]

    whole = severities()
    assert [len(own) for own in whole] == [1, 1, 0, 1, 1]
    assert whole[1][0] > whole[0][0] and whole[4][0] > whole[3][0]

    pipeline = comfy_pack.part("panini_core.pipeline")
    align, held = pipeline.align_faces, []

    def count(images: Any, faces: Any, **options: Any) -> Any:
        held.append(len(faces))
        return align(images, faces, **options)

    monkeypatch.setattr(pipeline, "FACES_PER_GROUP", 3)
    monkeypatch.setattr(pipeline, "align_faces", count)
    assert severities() == whole
    assert held == [3, 1]


def test_sizes_bound_what_is_found(comfy_pack: Pack) -> None:
    image = examples.photograph()
    size = examples.detect(comfy_pack, image).faces[0].size
    assert len(examples.detect(comfy_pack, image, min_size=int(size) + 10)) == 0
    assert len(examples.detect(comfy_pack, image, max_size=int(size) - 10)) == 0
    assert len(examples.detect(comfy_pack, image, max_size=int(size) + 10)) == 1


def three_faces(pack: Pack) -> Any:
    core, sockets = pack.core, pack.part("nodes.sockets")
    boxes = torch.tensor(
        [[10.0, 10.0, 30.0, 30.0], [50.0, 60.0, 90.0, 100.0], [5.0, 70.0, 15.0, 80.0]]
    )
    landmarks = torch.rand(5, 2) * 20
    faces = tuple(
        core.Face(box, box[:2] + landmarks, score)
        for box, score in zip(boxes, (0.7, 0.9, 0.8), strict=True)
    )
    return sockets.Faces(faces, 1, 128, 128)


@pytest.mark.parametrize(
    ("sort", "selection", "most", "expected"),
    [
        ("as detected", "all", 0, [0, 1, 2]),
        ("as detected", "0,2", 0, [0, 2]),
        ("left to right", "all", 0, [2, 0, 1]),
        ("large to small", "all", 2, [1, 0]),
        ("confidence", "0", 0, [1]),
        ("top to bottom", "1-2", 0, [2, 1]),
        ("as detected", "none", 0, []),
        ("as detected", "7", 0, []),
        ("as detected", "largest", 0, [1]),
    ],
)
def test_selection_by_number_in_the_sorted_order(
    comfy_pack: Pack, sort: str, selection: str, most: int, expected: list[int]
) -> None:
    faces = three_faces(comfy_pack)
    output = comfy_pack.run(
        "PaniniSelectFaces", faces=faces, sort=sort, selection=selection, max_faces=most
    )
    kept, count, overlay = output.result
    place = {face.score: index for index, face in enumerate(faces.faces)}
    assert [place[face.score] for face in kept.faces] == expected
    assert count == len(expected)
    assert overlay.shape == (1, 128, 128, 3)


def test_the_board_shows_all_faces_and_which_are_selected(comfy_pack: Pack) -> None:
    faces = three_faces(comfy_pack)
    output = comfy_pack.run(
        "PaniniSelectFaces",
        faces=faces,
        sort="left to right",
        selection="1",
        image=torch.rand(1, 128, 128, 3),
    )
    (payload,) = output.ui["panini_faces"]
    assert payload["sort"] == "left to right"
    shown = payload["frames"][0]["faces"]
    assert [face["selected"] for face in shown] == [False, True, False]
    assert [face["box"][0] for face in shown] == [5, 10, 50]


def test_a_selection_that_cannot_be_read_is_refused_before_the_run(comfy_pack: Pack) -> None:
    node = comfy_pack.nodes["PaniniSelectFaces"]
    assert node.validate_inputs(selection="0,2-3") is True
    assert "Cannot select faces" in node.validate_inputs(selection="the tall one")


def test_another_batch_is_refused(comfy_pack: Pack) -> None:
    with pytest.raises(ValueError, match="batch of 1 images"):
        comfy_pack.run(
            "PaniniSelectFaces", faces=three_faces(comfy_pack), image=torch.rand(2, 128, 128, 3)
        )


def test_selected_faces_carry_the_numbers_that_the_board_shows(comfy_pack: Pack) -> None:
    faces = three_faces(comfy_pack)
    output = comfy_pack.run(
        "PaniniSelectFaces", faces=faces, sort="left to right", selection="0,2", max_faces=0
    )
    kept = output.result[0]
    assert [(face.number, face.score) for face in kept.faces] == [(0, 0.8), (2, 0.9)]
    again = comfy_pack.run(
        "PaniniSelectFaces", faces=kept, sort="as detected", selection="1", max_faces=0
    ).result[0]
    assert [face.score for face in again.faces] == [0.9]


def test_crops_go_with_their_faces_when_they_are_sorted(comfy_pack: Pack) -> None:
    core, faces = comfy_pack.core, three_faces(comfy_pack)
    crops = torch.tensor([0.1, 0.2, 0.3]).view(3, 1, 1, 1).expand(3, 3, 8, 8)
    aligned = core.FaceSet(faces.faces, crops, torch.zeros(3, 2, 3))
    faces = comfy_pack.part("nodes.sockets").Faces(faces.faces, 1, 128, 128, aligned)
    kept = comfy_pack.run(
        "PaniniSelectFaces", faces=faces, sort="left to right", selection="0,2", max_faces=0
    ).result[0]
    assert kept.aligned.crops[:, 0, 0, 0].tolist() == pytest.approx([0.3, 0.2])
    assert kept.aligned.faces == kept.faces
