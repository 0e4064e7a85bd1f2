"""Faces as masks, SEGS and boxes, and back."""

from __future__ import annotations

import copy
from collections import namedtuple
from typing import Any

import numpy as np
import pytest
import torch

from . import examples
from .pack import Pack


def overlap(a: torch.Tensor, b: torch.Tensor) -> float:
    inside = (torch.minimum(a[2:], b[2:]) - torch.maximum(a[:2], b[:2])).clamp(min=0).prod()
    return (inside / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - inside)).item()


@pytest.mark.parametrize("shape", ["crop", "ellipse", "box"])
def test_masks_cover_the_face(comfy_pack: Pack, shape: str) -> None:
    batch = torch.cat([examples.landscape(), examples.photograph()])
    faces = examples.detect(comfy_pack, batch)
    (mask,) = comfy_pack.run("PaniniFacesToMask", faces=faces, shape=shape).result
    assert mask.shape == (2, 256, 256)
    assert not mask[0].any()
    x0, y0, x1, y1 = (int(value) for value in faces.faces[0].box)
    assert mask[1, (y0 + y1) // 2, (x0 + x1) // 2] > 0.999
    assert mask[1, -1, -1] == 0
    soft = comfy_pack.run("PaniniFacesToMask", faces=faces, shape=shape, blur=20).result[0]
    assert ((soft > 0.01) & (soft < 0.99)).sum() > ((mask > 0.01) & (mask < 0.99)).sum()


def test_segs_go_out_and_come_back(comfy_pack: Pack) -> None:
    image = examples.photograph()
    faces = examples.detect(comfy_pack, image)
    (segs,) = comfy_pack.run("PaniniFacesToSegs", faces=faces).result
    size, (seg,) = segs
    assert size == (256, 256)
    x0, y0, x1, y1 = seg.crop_region
    assert seg.cropped_mask.shape == (y1 - y0, x1 - x0)
    assert seg.label == "face"
    (back,) = comfy_pack.run(
        "PaniniSegsToFaces", image=image, segs=segs, detector=examples.detector(comfy_pack)
    ).result
    assert len(back) == 1
    assert torch.allclose(back.faces[0].landmarks, faces.faces[0].landmarks, atol=0.5)


def test_segs_of_the_impact_pack_are_understood(comfy_pack: Pack) -> None:
    image = examples.photograph()
    box = examples.detect(comfy_pack, image).faces[0].box.tolist()
    fields = "cropped_image cropped_mask confidence crop_region bbox label control_net_wrapper"
    theirs = namedtuple("SEG", fields)  # as they define it
    seg = theirs(None, None, 0.9, (0, 0, 256, 256), tuple(round(v) for v in box), "face", None)
    run = {"image": image, "detector": examples.detector(comfy_pack)}
    (faces,) = comfy_pack.run("PaniniSegsToFaces", segs=((256, 256), [seg]), **run).result
    assert len(faces) == 1
    with pytest.raises(ValueError, match="but the image has"):
        comfy_pack.run("PaniniSegsToFaces", segs=((512, 256), [seg]), **run)
    with pytest.raises(ValueError, match="Expected SEGS"):
        comfy_pack.run("PaniniSegsToFaces", segs="nothing", **run)


def test_segs_fit_enlarged_images_and_stand_for_all_of_a_batch(comfy_pack: Pack) -> None:
    image = examples.photograph()
    faces = examples.detect(comfy_pack, image)
    (segs,) = comfy_pack.run("PaniniFacesToSegs", faces=faces).result
    run = {"segs": segs, "detector": examples.detector(comfy_pack)}
    doubled = image.repeat_interleave(2, 1).repeat_interleave(2, 2)
    (enlarged,) = comfy_pack.run("PaniniSegsToFaces", image=doubled, **run).result
    assert (enlarged.width, enlarged.height) == (512, 512)
    assert overlap(enlarged.faces[0].box, faces.faces[0].box * 2) > 0.9

    batch = torch.cat([image, examples.landscape(), image])
    (all_of_them,) = comfy_pack.run("PaniniSegsToFaces", image=batch, **run).result
    assert [face.image_index for face in all_of_them.faces] == [0, 1, 2]
    assert all_of_them.faces[0].score > 0.5 and all_of_them.faces[1].score == 0
    crops, _ = comfy_pack.run("PaniniAlignFaces", image=batch, faces=all_of_them, size=64).result
    assert torch.equal(crops[0], crops[2])


def test_boxes_of_any_library_are_read(comfy_pack: Pack) -> None:
    read = comfy_pack.part("nodes.bridges.foreign").read_boxes
    box = [60, 20, 90, 110]
    array = np.array([box], np.int64)
    expected = [[[60.0, 20.0, 150.0, 130.0]]]
    for given in (
        *(array, array[0], array.astype(np.float32), torch.tensor([box])),
        *([array], [tuple(array[0])], [[torch.tensor(box)]]),
        [dict(zip(("x", "y", "width", "height"), array[0], strict=True))],
    ):
        assert [[b.tolist() for b in frame] for frame in read(given, 1)] == expected
    for nonsense in ([None], ["face"], [[None]], 7, [[[1, 2, 3]]]):
        with pytest.raises(ValueError, match="Expected"):
            read(nonsense, 1)


def test_boxes_that_hold_no_face_do_not_stop_the_run(comfy_pack: Pack) -> None:
    image = examples.photograph()
    run = {"image": image, "detector": examples.detector(comfy_pack)}
    boxes = [[60, 20, 0, 110], [5000, 20, 90, 110], [60, 20, 90, 110]]
    (faces,) = comfy_pack.run("PaniniBoxesToFaces", bbox=boxes, **run).result
    assert [face.number for face in faces.faces] == [0]
    comfy_pack.run("PaniniAlignFaces", image=image, faces=faces, size=64)
    (none,) = comfy_pack.run("PaniniBoxesToFaces", bbox=boxes[:2], **run).result
    assert len(none) == 0


def test_boxes_go_out_and_come_back(comfy_pack: Pack) -> None:
    batch = torch.cat([examples.landscape(), examples.photograph()])
    faces = examples.detect(comfy_pack, batch)
    boxes, bbox = comfy_pack.run("PaniniFacesToBoxes", faces=faces).result
    assert [len(frame) for frame in boxes] == [0, 1]
    assert boxes[1][0]["width"] > 20
    assert bbox == [tuple(boxes[1][0][key] for key in ("x", "y", "width", "height"))]
    run = {"image": batch, "detector": examples.detector(comfy_pack)}
    (back,) = comfy_pack.run("PaniniBoxesToFaces", boxes=boxes, **run).result
    assert [face.image_index for face in back.faces] == [1]
    assert overlap(back.faces[0].box, faces.faces[0].box) > 0.9
    assert torch.allclose(back.faces[0].landmarks, faces.faces[0].landmarks, atol=0.5)
    with pytest.raises(ValueError, match="connect one of them"):
        comfy_pack.run("PaniniBoxesToFaces", **run)


@pytest.mark.parametrize("counts", [(2, 0), (0, 2), (1, 1), (0, 1), (3, 0, 1), (0, 0)])
def test_boxes_of_a_batch_come_back_to_their_images(
    comfy_pack: Pack, counts: tuple[int, ...]
) -> None:
    faces = face_set(comfy_pack, counts)
    boxes, bbox = comfy_pack.run("PaniniFacesToBoxes", faces=faces).result
    read = comfy_pack.part("nodes.bridges.foreign").read_boxes
    for given in (boxes, bbox, copy.deepcopy(bbox)):
        back = read(given, len(counts))
        assert tuple(len(frame) for frame in back) == counts
        found = [box for frame in back for box in frame]
        assert [box.tolist() for box in found] == [face.box.tolist() for face in faces.faces]
    if bbox:
        with pytest.raises(ValueError, match="boxes belong to"):
            read(bbox, len(counts) - 1)


def face_set(pack: Pack, counts: tuple[int, ...]) -> Any:
    """So many faces in each image of a batch."""
    core = pack.part("panini_core")
    faces = [
        core.Face(torch.tensor([n, index, n + 9.0, index + 9.0]), torch.rand(5, 2), 0.9, index, n)
        for index, count in enumerate(counts)
        for n in range(count)
    ]
    return pack.part("nodes.sockets").Faces(tuple(faces), len(counts), 64, 64)


def test_a_box_without_a_visible_face_gets_an_upright_one(comfy_pack: Pack) -> None:
    (faces,) = comfy_pack.run(
        "PaniniBoxesToFaces",
        image=examples.landscape(),
        detector=examples.detector(comfy_pack),
        bbox=[(50, 60, 100, 120)],
    ).result
    (face,) = faces.faces
    assert face.score == 0
    left_eye, right_eye, nose, *mouth = face.landmarks.tolist()
    assert 50 < left_eye[0] < nose[0] < right_eye[0] < 150
    assert 60 < left_eye[1] < nose[1] < mouth[0][1] < 180


@pytest.mark.parametrize(
    ("given", "count", "expected"),
    [
        ({"x": 1, "y": 2, "width": 3, "height": 4}, 1, [[[1, 2, 4, 6]]]),
        ([1, 2, 3, 4], 1, [[[1, 2, 4, 6]]]),
        ([(1, 2, 3, 4), (5, 5, 1, 1)], 1, [[[1, 2, 4, 6], [5, 5, 6, 6]]]),
        ([(1, 2, 3, 4), (5, 5, 1, 1)], 2, [[[1, 2, 4, 6]], [[5, 5, 6, 6]]]),
        ([[(1, 2, 3, 4)], []], 2, [[[1, 2, 4, 6]], []]),
        ([], 1, [[]]),
        ([], 2, [[], []]),
        # what is given for fewer images goes on
        ({"x": 1, "y": 2, "width": 3, "height": 4}, 3, [[[1, 2, 4, 6]]] * 3),
        ((1, 2, 3, 4), 2, [[[1, 2, 4, 6]]] * 2),
        ([(1, 2, 3, 4)], 2, [[[1, 2, 4, 6]]] * 2),
        ([(1, 2, 3, 4), (5, 5, 1, 1)], 3, [[[1, 2, 4, 6], [5, 5, 6, 6]]] * 3),
        ([{"x": 1, "y": 2, "width": 3, "height": 4}] * 2, 2, [[[1, 2, 4, 6]] * 2] * 2),
        ([[(1, 2, 3, 4)]], 2, [[[1, 2, 4, 6]]] * 2),
        ([[], [(1, 2, 3, 4)]], 3, [[], [[1, 2, 4, 6]], [[1, 2, 4, 6]]]),
        ([[(1, 2, 3, 4)], []], 3, [[[1, 2, 4, 6]], [], []]),
    ],
)
def test_boxes_in_the_shapes_that_others_use(
    comfy_pack: Pack, given: Any, count: int, expected: list[list[list[float]]]
) -> None:
    read = comfy_pack.part("nodes.bridges.foreign").read_boxes(given, count)
    assert [[box.tolist() for box in frame] for frame in read] == expected


@pytest.mark.parametrize("given", ["text", 5, [[1, 2, 3]], [{"x": 1}], [[(1, 2, 3, 4)]] * 3])
def test_what_are_no_boxes_is_refused(comfy_pack: Pack, given: Any) -> None:
    with pytest.raises(ValueError, match=r"[Bb]ox"):
        comfy_pack.part("nodes.bridges.foreign").read_boxes(given, 2)
