"""Align, restore and paste, one by one and as one node."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from . import examples
from .pack import Pack


def chain(pack: Pack, image: Tensor, network: Any, **paste: Any) -> tuple[Tensor, Tensor]:
    """The stages by hand."""
    _, faces = examples.align(pack, image, size=network.network.config.input_size)
    degradation = pack.run("PaniniExtractDegradation", model=network, faces=faces).result[0]
    weights = pack.run("PaniniFusionWeights", model=network, degradation=degradation).result[0]
    crops, faces = pack.run(
        "PaniniRestoreFaces", model=network, faces=faces, weights=weights
    ).result
    pasted = pack.run("PaniniPasteFaces", image=image, faces=faces, crops=crops, **paste)
    return pasted.result[:2]


def whole(pack: Pack, image: Tensor, network: Any, **inputs: Any) -> Any:
    return pack.run(
        "PaniniRestoreImage",
        image=image,
        model=network,
        detector=examples.detector(pack),
        **inputs,
    )


def test_the_chain_and_the_whole_give_identical_pixels(comfy_pack: Pack) -> None:
    batch = torch.cat([examples.photograph(), examples.landscape(), examples.photograph().flip(2)])
    network = examples.tiny_model(comfy_pack)
    image, mask, report = whole(comfy_pack, batch, network).result
    by_hand, mask_by_hand = chain(comfy_pack, batch, network)
    assert torch.equal(image, by_hand)
    assert torch.equal(mask, mask_by_hand)
    assert not torch.equal(image[0], batch[0])
    assert torch.equal(image[1], batch[1])
    assert report.splitlines()[0] == "image 0: 1 of 1 faces found were restored."
    assert "No face was found" in report


def test_pixels_outside_the_mask_stay_to_the_bit(comfy_pack: Pack) -> None:
    image = examples.photograph() * 0.998 + 0.001  # off the 8 bit grid
    restored, mask, _ = whole(comfy_pack, image, examples.tiny_model(comfy_pack)).result
    assert 0 < (mask > 0).float().mean() < 0.9
    outside = (mask == 0)[..., None].expand_as(image)
    assert torch.equal(restored[outside], image[outside])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("channels", [3, 4])
def test_the_callers_type_and_channels_come_back(
    comfy_pack: Pack, dtype: torch.dtype, channels: int
) -> None:
    image = torch.cat([examples.photograph(), torch.full((1, 256, 256, 1), 0.5)], -1)
    image = image[..., :channels].to(dtype)
    restored, mask, _ = whole(comfy_pack, image, examples.tiny_model(comfy_pack)).result
    assert restored.dtype == dtype
    assert restored.shape == image.shape
    assert mask.dtype == torch.float32
    if channels == 4:
        assert torch.equal(restored[..., 3], image[..., 3])
    outside = (mask == 0)[..., None].expand_as(image)
    assert torch.equal(restored[outside], image[outside])


def test_the_whole_needs_the_image_only(comfy_pack: Pack) -> None:
    """Without loaders it takes what they would bring as they are added."""
    image = examples.photograph()
    with_loaders = whole(comfy_pack, image, examples.model(comfy_pack))
    alone = comfy_pack.run("PaniniRestoreImage", image=image)
    assert all(
        torch.equal(a, b) for a, b in zip(alone.result[:2], with_loaders.result, strict=False)
    )
    load = comfy_pack.part("nodes.load")
    assert load.default_model() is load.default_model()
    assert load.default_detector() is load.default_detector()


def test_the_whole_shows_faces_and_result(comfy_pack: Pack) -> None:
    photograph = examples.photograph()
    batch = torch.cat([torch.cat([photograph, photograph.flip(2)], 2)] * 17)
    output = whole(comfy_pack, batch, examples.tiny_model(comfy_pack), selection="1", upscale=2.0)
    (board,), (pairs,) = output.ui["panini_faces"], output.ui["panini_compare"]
    assert board["total_frames"] == pairs["total"] == 17
    assert len(board["frames"]) == len(pairs["pairs"]) == 16
    assert board["sort"] is None
    faces = board["frames"][0]["faces"]
    assert [face["number"] for face in faces] == [0, 1]
    assert [face["selected"] for face in faces] == [False, True]
    assert [face["box"] for face in pairs["pairs"][0]["faces"]] == [face["box"] for face in faces]
    assert pairs["pairs"][0]["before_size"] == [512, 256]
    assert pairs["pairs"][0]["after_size"] == [1024, 512]


def test_single_faces_have_their_own_values(comfy_pack: Pack) -> None:
    photograph = examples.photograph()
    pair, network = torch.cat([photograph, photograph.flip(2)], 2), examples.tiny_model(comfy_pack)
    own = {"face_strength": "0: 0.3; 1-4: 0", "strength": 0.8}
    image, mask, _ = whole(comfy_pack, pair, network, **own, face_fidelity="0: 0.9").result
    left, right = slice(None, 256), slice(256, None)
    assert torch.equal(image[:, :, right], pair[:, :, right]) and mask[:, :, right].any()
    alone = whole(comfy_pack, pair, network, fidelity=0.9, strength=0.3).result[0]
    assert torch.equal(image[:, :, left], alone[:, :, left])

    _, faces = examples.align(comfy_pack, pair, size=network.network.config.input_size)
    crops, faces = comfy_pack.run(
        "PaniniRestoreFaces", model=network, faces=faces, face_fidelity="0: 0.9"
    ).result
    by_hand = comfy_pack.run("PaniniPasteFaces", image=pair, faces=faces, crops=crops, **own)
    assert torch.equal(by_hand.result[0], image)


@pytest.mark.parametrize(
    ("node", "name"),
    [
        ("PaniniRestoreImage", "face_fidelity"),
        ("PaniniRestoreImage", "face_strength"),
        ("PaniniRestoreFaces", "face_fidelity"),
        ("PaniniPasteFaces", "face_strength"),
    ],
)
def test_values_of_single_faces_are_checked_before_a_run(pack: Pack, node: str, name: str) -> None:
    check = pack.nodes[node].validate_inputs
    inputs = {"selection": "all"} if node == "PaniniRestoreImage" else {}
    for text in (None, "", " ", "2: 0.5", "2: 0.5; 4-6: 1"):
        assert check(**inputs, **{name: text}) is True
    assert "both for all faces" in check(**inputs, **{name: "0.5"})
    assert "Values of single faces must lie in 0..1" in check(**inputs, **{name: "2: 1.5"})


def test_parts_of_faces_are_left_as_they_are(comfy_pack: Pack) -> None:
    image, network = examples.photograph(), examples.tiny_model(comfy_pack)
    plain = {"match_grain": False, "match_colour": False}
    everything, _, _ = whole(comfy_pack, image, network, **plain).result
    _, faces = examples.align(comfy_pack, image)
    left_eye, right_eye, *_ = faces.faces[0].landmarks.round().long().tolist()
    kept, mask, _ = whole(comfy_pack, image, network, **plain, regions="eyes: 0").result
    for x, y in (left_eye, right_eye):
        assert mask[0, y, x] < 0.01
        assert (kept[0, y, x] - image[0, y, x]).abs().max() < 1 / 255
        assert (everything[0, y, x] - image[0, y, x]).abs().max() > 0.1
    nose_x, nose_y = faces.faces[0].landmarks[2].round().long().tolist()
    assert torch.equal(kept[0, nose_y, nose_x], everything[0, nose_y, nose_x])
    nothing = "eyes: 0; brows: 0; nose: 0; mouth: 0; skin: 0"
    kept, mask, _ = whole(comfy_pack, image, network, regions=nothing).result
    assert torch.equal(kept, image) and not mask.any()


@pytest.mark.parametrize("node", ["PaniniRestoreImage", "PaniniRestoreVideo"])
def test_parts_of_faces_are_checked_before_a_run(pack: Pack, node: str) -> None:
    check = pack.nodes[node].validate_inputs
    for text in (None, "", "eyes: 0", "eyes: 0; Skin\uff1a0.3"):
        assert check(selection="all", regions=text) is True
    assert "Expected eyes, brows, nose, mouth, skin" in check(selection="all", regions="ears: 0")
    assert "mouth must lie in 0..1, got 2" in check(selection="all", regions="mouth: 2")


def test_without_a_face_everything_passes_through(comfy_pack: Pack) -> None:
    image, network = examples.landscape(), examples.tiny_model(comfy_pack)
    restored, mask, report = whole(comfy_pack, image, network).result
    assert torch.equal(restored, image)
    assert not mask.any()
    assert "No face" in report and "A threshold below 0.60 finds more" in report

    crops, faces = examples.align(comfy_pack, image)
    assert crops.shape == (1, 512, 512, 3)  # so that what stands behind goes on
    assert len(faces) == 0
    by_hand, mask_by_hand = chain(comfy_pack, image, network)
    assert torch.equal(by_hand, image)
    assert not mask_by_hand.any()


def test_nodes_may_change_crops_where_they_are(comfy_pack: Pack) -> None:
    """What is done to the crops in memory reaches neither the faces nor other results."""
    network = examples.tiny_model(comfy_pack)
    for image in (examples.photograph(), examples.landscape()):
        crops, faces = examples.align(comfy_pack, image, size=64)
        aligned = faces.aligned.crops.clone()
        (restored, _) = comfy_pack.run("PaniniRestoreFaces", model=network, faces=faces).result
        with torch.inference_mode():
            for picture in (crops, restored):
                picture[..., 0].fill_(0.5)
        assert torch.equal(faces.aligned.crops, aligned)
        (again, _) = comfy_pack.run("PaniniRestoreFaces", model=network, faces=faces).result
        assert torch.equal(again[..., 1:], restored[..., 1:])
        pasted = comfy_pack.run("PaniniPasteFaces", image=image, faces=faces, crops=crops).result[0]
        assert torch.equal(pasted, image) == (len(faces) == 0)


def test_crops_of_any_size_from_anywhere_are_pasted(comfy_pack: Pack) -> None:
    image = examples.photograph()
    crops, faces = examples.align(comfy_pack, image, size=256)
    larger = crops.repeat_interleave(3, 1).repeat_interleave(3, 2)
    pasted = comfy_pack.run("PaniniPasteFaces", image=image, faces=faces, crops=larger).result[0]
    assert (pasted - image).abs().mean() < 0.01  # the face itself came back
    with pytest.raises(ValueError, match="Expected 1 square crops"):
        comfy_pack.run(
            "PaniniPasteFaces", image=image, faces=faces, crops=larger.repeat(2, 1, 1, 1)
        )
    with pytest.raises(ValueError, match="Expected 1 square crops"):
        comfy_pack.run("PaniniPasteFaces", image=image, faces=faces, crops=larger[:, :100])


def test_faces_are_pasted_onto_enlarged_images(comfy_pack: Pack) -> None:
    """So that the background may come from an upscale model."""
    image = examples.photograph()
    crops, faces = examples.align(comfy_pack, image)
    crops = crops * 0.999  # so that there is something to draw
    doubled = torch.nn.functional.interpolate(
        image.movedim(-1, 1), scale_factor=2, mode="bicubic"
    ).clamp(0, 1)
    pasted, mask, _ = comfy_pack.run(
        "PaniniPasteFaces", image=doubled.movedim(1, -1), faces=faces, crops=crops
    ).result
    assert pasted.shape == (1, 512, 512, 3)
    assert (pasted.movedim(-1, 1) - doubled).abs().mean() < 0.01
    small = comfy_pack.run("PaniniPasteFaces", image=image, faces=faces, crops=crops).result[1]
    shrunk = torch.nn.functional.avg_pool2d(mask[:, None], 2)[:, 0]
    assert (shrunk - small).abs().mean() < 0.002
    with pytest.raises(ValueError, match="enlarged ones"):
        comfy_pack.run(
            "PaniniPasteFaces", image=torch.rand(1, 256, 512, 3), faces=faces, crops=crops
        )


def test_without_crops_the_images_go_on_as_they_are(comfy_pack: Pack) -> None:
    """As when Restore Aligned Faces is bypassed, and with it the nodes that its crops came from."""
    batch = torch.cat([examples.photograph(), examples.landscape()])
    batch = torch.cat([batch, torch.full((2, 256, 256, 1), 0.5)], -1)
    found = examples.detect(comfy_pack, batch)
    _, aligned = examples.align(comfy_pack, batch)
    for faces in (found, aligned):
        for source in ("soft", "parse", "mask"):  # whose files and masks are not asked for
            pasted, mask, report = comfy_pack.run(
                "PaniniPasteFaces", image=batch, faces=faces, mask_source=source
            ).result
            assert torch.equal(pasted, batch)
            assert mask.shape == (2, 256, 256) and not mask.any()
            assert "No crops came" in report and "bypassed" in report
    paste = {"image": batch, "faces": aligned, "upscale": 2.0}
    assert comfy_pack.run("PaniniPasteFaces", **paste).result[0].shape == (2, 512, 512, 4)
    with pytest.raises(ValueError, match="batch of 2 images"):
        comfy_pack.run("PaniniPasteFaces", **(paste | {"image": batch[:1]}))


def test_faces_whose_crops_nothing_changed_stay_to_the_bit(comfy_pack: Pack) -> None:
    """As behind another restorer that is bypassed."""
    batch = torch.cat([examples.photograph(), examples.photograph().flip(2)])
    crops, faces = examples.align(comfy_pack, batch)
    paste = {"image": batch, "faces": faces}
    pasted, mask, report = comfy_pack.run("PaniniPasteFaces", **paste, crops=crops).result
    assert torch.equal(pasted, batch) and not mask.any()
    assert report.splitlines()[0] == "image 0: left as they were, for their crops are: 1"

    crops = crops.clone()
    crops[1] = 1 - crops[1]
    whole = torch.ones(1, 64, 64)
    for choice in ({}, {"mask_source": "mask", "mask": whole}):
        pasted, mask, report = comfy_pack.run(
            "PaniniPasteFaces", **paste, **choice, crops=crops
        ).result
        assert torch.equal(pasted[0], batch[0]) and not mask[0].any()
        assert not torch.equal(pasted[1], batch[1]) and mask[1].any()
        assert report.splitlines()[1] == "image 1: faces drawn: 1"


def test_the_report_tells_what_was_drawn(comfy_pack: Pack) -> None:
    batch = torch.cat([examples.photograph(), examples.landscape()])
    crops, faces = examples.align(comfy_pack, batch)
    paste = {"image": batch, "faces": faces, "crops": 1 - crops}
    report = comfy_pack.run("PaniniPasteFaces", **paste).result[2]
    assert report.splitlines() == ["image 0: faces drawn: 1", "image 1: no face"]
    report = comfy_pack.run("PaniniPasteFaces", **paste, strength=0.7).result[2]
    assert "faces drawn: 1, strength 0.7" in report


def test_a_mask_says_where_to_draw(comfy_pack: Pack) -> None:
    image = examples.photograph()
    crops, faces = examples.align(comfy_pack, image)
    paste = {"image": image, "faces": faces, "crops": 1 - crops, "mask_source": "mask"}
    upper = torch.zeros(1, 256, 256)
    upper[:, :80] = 1  # of the image
    drawn = comfy_pack.run("PaniniPasteFaces", **paste, mask=upper).result[1]
    everything = comfy_pack.run("PaniniPasteFaces", **(paste | {"mask_source": "soft"})).result[1]
    assert drawn[:, :70].sum() > 0.95 * everything[:, :70].sum()
    assert drawn[:, 90:].sum() < 0.01 * everything[:, 90:].sum()

    of_crop = torch.ones(1, 64, 64)
    full = comfy_pack.run("PaniniPasteFaces", **paste, mask=of_crop).result[1]
    assert (full - everything).abs().mean() < 0.01
    with pytest.raises(ValueError, match="no mask is connected"):
        comfy_pack.run("PaniniPasteFaces", **paste)
    with pytest.raises(ValueError, match="expected the size of the images"):
        comfy_pack.run("PaniniPasteFaces", **paste, mask=torch.ones(1, 30, 40))


def test_what_a_mask_covers_is_said_and_not_guessed(comfy_pack: Pack) -> None:
    image = examples.photograph()
    crops, faces = examples.align(comfy_pack, image, size=256)  # as large as the image
    left = torch.zeros(1, 256, 256)
    left[:, :, :128] = 1
    paste = {"image": image, "faces": faces, "crops": 1 - crops, "mask_source": "mask"}
    paste["mask"] = left
    whole = comfy_pack.run("PaniniPasteFaces", **(paste | {"mask_source": "soft"})).result[1]
    of_image = comfy_pack.run("PaniniPasteFaces", **paste, mask_of="image").result[1]
    assert of_image[:, :, 132:].sum() < 0.01 * whole[:, :, 132:].sum()
    of_crops = comfy_pack.run("PaniniPasteFaces", **paste, mask_of="crops").result[1]
    centre = int(faces.faces[0].landmarks[2, 0])  # the nose's x
    assert of_crops[:, :, : centre - 10].sum() > 0.9 * whole[:, :, : centre - 10].sum()
    assert of_crops[:, :, centre + 20 :].sum() < 0.1 * whole[:, :, centre + 20 :].sum()
    assert not torch.equal(of_image, of_crops)
    with pytest.raises(ValueError, match="set mask_of"):
        comfy_pack.run("PaniniPasteFaces", **paste)
    smaller = torch.rand(1, 64, 64, 3)
    with pytest.raises(ValueError, match="set mask_of"):
        comfy_pack.run("PaniniPasteFaces", **(paste | {"crops": smaller}))
    paste["mask"] = torch.ones(1, 64, 64)
    with pytest.raises(ValueError, match="expected the size of the images"):
        comfy_pack.run("PaniniPasteFaces", **paste, mask_of="image")


def test_a_mask_of_the_picture_before_it_was_enlarged_is_not_one_of_the_crops(
    comfy_pack: Pack,
) -> None:
    image = examples.photograph()
    large = image.repeat_interleave(2, 1).repeat_interleave(2, 2)
    for size in (128, 256):  # another one, and as large as the image was
        crops, faces = examples.align(comfy_pack, image, size=size)
        paste = {"image": large, "faces": faces, "crops": 1 - crops, "mask_source": "mask"}
        paste["mask"] = torch.ones(1, 256, 256)
        with pytest.raises(ValueError, match=r"which have 512 x 512 px now.*set mask_of to crops"):
            comfy_pack.run("PaniniPasteFaces", **paste)
        comfy_pack.run("PaniniPasteFaces", **paste, mask_of="crops")


def test_an_empty_mask_is_refused_and_not_drawn(comfy_pack: Pack) -> None:
    image = torch.cat([examples.landscape(), examples.photograph()])
    crops, faces = examples.align(comfy_pack, image, size=64)
    paste = {"image": image, "faces": faces, "crops": crops, "mask_source": "mask"}
    for side in (64, 256):  # as Load Image gives it for a picture without alpha, and any other
        with pytest.raises(ValueError, match="The mask is empty"):
            comfy_pack.run("PaniniPasteFaces", **paste, mask=torch.zeros(1, side, side))
    none = {"image": image[:1], "crops": crops} | {
        "faces": examples.align(comfy_pack, image[:1])[1]
    }
    empty = torch.zeros(1, 64, 64)
    result = comfy_pack.run("PaniniPasteFaces", **none, mask_source="mask", mask=empty).result[0]
    assert torch.equal(result, image[:1])


def test_restoring_faces_that_were_not_aligned_says_what_to_do(comfy_pack: Pack) -> None:
    faces = examples.detect(comfy_pack, examples.photograph())
    with pytest.raises(ValueError, match="put an Align Faces node between"):
        comfy_pack.run("PaniniRestoreFaces", model=examples.tiny_model(comfy_pack), faces=faces)


def test_a_degradation_instead_of_weights(comfy_pack: Pack) -> None:
    """One for all faces, and the same as through the mixer."""
    batch = examples.photograph().repeat(2, 1, 1, 1)
    network = examples.tiny_model(comfy_pack)
    _, faces = examples.align(comfy_pack, batch, size=64)
    other = examples.align(comfy_pack, examples.photograph() * 0.3, size=64)[1]
    degradation = comfy_pack.run("PaniniExtractDegradation", model=network, faces=other).result[0]
    assert len(degradation) == 1
    plain = comfy_pack.run("PaniniRestoreFaces", model=network, faces=faces).result[0]
    treated = comfy_pack.run(
        "PaniniRestoreFaces", model=network, faces=faces, degradation=degradation
    ).result[0]
    weights = comfy_pack.run("PaniniFusionWeights", model=network, degradation=degradation).result[
        0
    ]
    mixed = comfy_pack.run(
        "PaniniRestoreFaces", model=network, faces=faces, weights=weights
    ).result[0]
    assert treated.shape == plain.shape == (2, 64, 64, 3)
    assert torch.equal(treated, mixed)
    assert not torch.equal(treated, plain)


def test_noise_and_latent_pull_change_the_face_and_zero_does_not(comfy_pack: Pack) -> None:
    network = examples.tiny_model(comfy_pack)
    _, faces = examples.align(comfy_pack, examples.photograph(), size=64)

    def restore(**inputs: Any) -> Tensor:
        return comfy_pack.run("PaniniRestoreFaces", model=network, faces=faces, **inputs).result[0]

    plain = restore()
    assert torch.equal(restore(noise_seed=5), plain)
    assert not torch.equal(restore(noise_seed=5, noise_amount=1.0), plain)
    assert torch.equal(
        restore(noise_seed=5, noise_amount=1.0), restore(noise_seed=5, noise_amount=1.0)
    )
    assert not torch.equal(restore(latent_pull=1.0), plain)


def other_restorer(pack: Pack) -> Any:
    """PANINI_MODEL: another method's network, which turns crops of 64 px white."""
    network = torch.nn.Conv2d(3, 3, 1)
    torch.nn.init.zeros_(network.weight)
    torch.nn.init.ones_(network.bias)
    kind = pack.core.RestorerKind("Other", lambda network, faces, _: network(faces), size=64)
    return pack.part("nodes.host").manage(pack.core.CropRestorer(network, kind), "other.pth")


def test_other_restorers_take_paninis_place(comfy_pack: Pack) -> None:
    image = examples.photograph()
    model = other_restorer(comfy_pack)
    plain = {"match_colour": False, "keep_detail": 0.0, "match_grain": False}
    restored, mask, report = whole(comfy_pack, image, model, **plain).result
    assert "1 of 1 faces found were restored" in report
    assert restored[mask == 1].min() > 0.99
    assert torch.equal(restored[mask == 0], image[mask == 0])

    _, faces = examples.align(comfy_pack, image, size=64)
    crops, _ = comfy_pack.run("PaniniRestoreFaces", model=model, faces=faces).result
    assert crops.shape == (1, 64, 64, 3) and crops.min() > 0.99
    by_hand = comfy_pack.run(
        "PaniniPasteFaces", image=image, faces=faces, crops=crops, **plain
    ).result[0]
    assert torch.equal(by_hand, restored)


def test_what_is_paninis_alone_is_not_ignored(comfy_pack: Pack) -> None:
    other, network = other_restorer(comfy_pack), examples.tiny_model(comfy_pack)
    _, faces = examples.align(comfy_pack, examples.photograph(), size=64)
    degradation = comfy_pack.run("PaniniExtractDegradation", model=network, faces=faces).result[0]
    weights = comfy_pack.run("PaniniFusionWeights", model=network, degradation=degradation).result[
        0
    ]
    restore = {"model": other, "faces": faces}
    with pytest.raises(ValueError, match="Other takes no interpolation weights"):
        comfy_pack.run("PaniniRestoreFaces", **restore, weights=weights)
    with pytest.raises(ValueError, match="knows no degradation"):
        comfy_pack.run("PaniniRestoreFaces", **restore, degradation=degradation)
    with pytest.raises(ValueError, match="Other has no noise_amount"):
        comfy_pack.run("PaniniRestoreFaces", **restore, noise_amount=0.5)
    with pytest.raises(ValueError, match="choose a Panini model in Load Face Restoration Model"):
        comfy_pack.run("PaniniExtractDegradation", **restore)


@pytest.mark.parametrize("upscale", [1.0, 2.0])
def test_an_upscale_model_draws_the_background(comfy_pack: Pack, upscale: float) -> None:
    """In the single node as in Paste Faces; the faces are as without it."""
    image, network = examples.photograph(), examples.tiny_model(comfy_pack)
    model = examples.upscale_model()
    usual = {"upscale": upscale, "keep_detail": 0.0, "match_grain": False}
    chosen = {**usual, "upscale_model": model}
    drawn, mask, _ = whole(comfy_pack, image, network, **chosen).result
    plain, plain_mask, _ = whole(comfy_pack, image, network, **usual).result
    assert torch.equal(mask, plain_mask)
    side = round(256 * upscale)
    assert drawn.shape == (1, side, side, 3)
    assert drawn[mask == 0].mean() < 0.6 * plain[mask == 0].mean()
    assert (drawn[mask == 1] - plain[mask == 1]).abs().max() < 1e-5
    by_hand, _ = chain(comfy_pack, image, network, **chosen)
    assert torch.equal(by_hand, drawn)
