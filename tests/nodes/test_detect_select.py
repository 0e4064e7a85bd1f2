"""Detect Faces and Select Faces: faces, overlay, and what the face board gets."""

from __future__ import annotations

from dataclasses import replace
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
    for selection, scores in (("2", [0.9]), ("1", [])):  # the numbers stay with the faces
        again = comfy_pack.run(
            "PaniniSelectFaces", faces=kept, sort="as detected", selection=selection, max_faces=0
        ).result[0]
        assert [face.score for face in again.faces] == scores


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


def test_a_face_that_no_landmarks_fit_is_shown_and_left_alone(comfy_pack: Pack) -> None:
    faces = three_faces(comfy_pack)
    wrong = replace(faces.faces[1], reliable=False)
    faces = replace(faces, faces=(faces.faces[0], wrong, faces.faces[2]))
    image = torch.rand(1, 128, 128, 3)
    output = comfy_pack.run("PaniniSelectFaces", faces=faces, image=image)
    assert [face.score for face in output.result[0].faces] == [0.7, 0.8]
    (frame,) = output.ui["panini_faces"][0]["frames"]
    assert [face.get("reliable", True) for face in frame["faces"]] == [True, False, True]
    assert [face["selected"] for face in frame["faces"]] == [True, False, True]
    crops, aligned = comfy_pack.run("PaniniAlignFaces", image=image, faces=faces, size=64).result
    assert len(crops) == 2
    assert [face.score for face in aligned.faces] == [0.7, 0.8]


# --- clips --------------------------------------------------------------------------------------


def crossing_faces(pack: Pack) -> Any:
    """Two followed faces that change sides; the small one is nearer for two frames."""
    core, sockets = pack.core, pack.part("nodes.sockets")
    faces = []
    for frame in range(6):
        tall = 30.0 if frame in (2, 3) else 50.0
        for track, (x, side) in enumerate([(10 + 12 * frame, tall), (80 - 12 * frame, 40.0)]):
            box = torch.tensor([x, 10.0, x + side, 10 + side])
            landmarks = box[:2] + torch.rand(5, 2) * side
            faces.append(core.Face(box, landmarks, 0.9, frame, track, track, filled=frame == 4))
    return sockets.Faces(tuple(faces), 6, 128, 160)


@pytest.mark.parametrize(
    ("sort", "selection", "most", "track"),
    [
        ("as detected", "0", 0, 0),
        ("as detected", "1", 0, 1),
        ("large to small", "0", 0, 0),
        ("small to large", "all", 1, 1),
        ("left to right", "0", 0, 0),
        ("as detected", "largest", 0, 0),
    ],
)
def test_in_a_clip_a_selection_stays_with_one_face(
    comfy_pack: Pack, sort: str, selection: str, most: int, track: int
) -> None:
    faces = crossing_faces(comfy_pack)
    output = comfy_pack.run(
        "PaniniSelectFaces",
        faces=faces,
        sort=sort,
        selection=selection,
        max_faces=most,
        image=torch.rand(6, 128, 160, 3),
    )
    kept = output.result[0]
    assert [(face.image_index, face.track) for face in kept.faces] == [(f, track) for f in range(6)]
    assert len({face.number for face in kept.faces}) == 1
    frames = output.ui["panini_faces"][0]["frames"]
    for index, frame in enumerate(frames):
        assert [face["number"] for face in frame["faces"]] == [0, 1]
        assert [face["filled"] for face in frame["faces"]] == [index == 4] * 2
        assert [face["score"] is None for face in frame["faces"]] == [index == 4] * 2
    for value in ("area", "from_middle"):
        values = {(face["number"], face[value]) for frame in frames for face in frame["faces"]}
        assert len(values) == 2


def test_crops_go_with_their_faces_when_a_clip_is_sorted(comfy_pack: Pack) -> None:
    core, faces = comfy_pack.core, crossing_faces(comfy_pack)
    crops = torch.arange(12).view(12, 1, 1, 1).expand(12, 3, 8, 8) / 12
    aligned = core.FaceSet(faces.faces, crops, torch.zeros(12, 2, 3))
    faces = comfy_pack.part("nodes.sockets").Faces(faces.faces, 6, 128, 160, aligned)
    kept = comfy_pack.run(
        "PaniniSelectFaces", faces=faces, sort="small to large", selection="all", max_faces=0
    ).result[0]
    order = [2 * face.image_index + face.track for face in kept.faces]
    assert order == [1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10]
    assert kept.aligned.crops[:, 0, 0, 0].tolist() == pytest.approx([row / 12 for row in order])
    assert kept.aligned.faces == kept.faces


def test_with_smoothing_a_face_keeps_its_track_past_a_frame_of_something_else(
    comfy_pack: Pack,
) -> None:
    seen, missed = examples.photograph(), examples.landscape()
    assert seen.shape[1:3] == missed.shape[1:3]
    batch = torch.cat([seen, seen, missed, seen])
    inputs = {"image": batch, "detector": examples.detector(comfy_pack)}
    plain, clip = (
        comfy_pack.run("PaniniDetectFaces", **inputs, smoothing=smoothing).result[0].faces
        for smoothing in (0, 2)
    )
    assert [face.image_index for face in plain] == [0, 1, 3]
    # Another picture shows no face of this one, and none is drawn into it.
    assert [(face.image_index, face.track, face.filled) for face in clip] == [
        (frame, 0, False) for frame in (0, 1, 3)
    ]
    report = comfy_pack.run(
        "PaniniRestoreImage", **inputs, model=examples.model(comfy_pack), smoothing=2
    ).result[2]
    assert "filled in" not in report.lower()
    assert report.count("face 0:") == 3
