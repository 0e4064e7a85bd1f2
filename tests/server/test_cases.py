"""What users meet: no face, many faces, alpha, masks, one node or many, saved degradations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from .client import Client
from .lab import Lab
from .pictures import TILE, Pasted, landscape, mosaic, pixels, portrait


@pytest.fixture
def lab(client: Client) -> Lab:
    return Lab(client)


def test_images_without_a_face_in_a_batch_stay_as_they_are(lab: Lab) -> None:
    images = [portrait(), landscape(), ImageOps.mirror(portrait())]
    batch = lab.picture(images[0], "first.png")
    for image, name in zip(images[1:], ("second.png", "third.png"), strict=True):
        batch = [lab.add("ImageBatch", image1=batch, image2=lab.picture(image, name)), 0]
    [result] = lab.play(lab.restore(batch))
    assert np.array_equal(result.before, [pixels(image) for image in images])
    assert np.array_equal(result.after[1], result.before[1]) and not result.inside[1].any()
    for index in (0, 2):
        one = slice(index, index + 1)
        Pasted(result.before[one], result.after[one], result.inside[one]).check()


@pytest.mark.parametrize("count", [0, 1, 30])
def test_any_number_of_faces(lab: Lab, count: int) -> None:
    image = mosaic(count)
    node = lab.restore(lab.picture(image, f"{count} faces.png"))
    [result] = lab.play(node)
    assert np.array_equal(result.before[0], pixels(image))
    assert not result.changed[~result.inside].any()
    tiles = result.changed[0].reshape(image.height // TILE, TILE, image.width // TILE, TILE)
    shares = tiles.mean((1, 3)).ravel()
    assert (shares[:count] > 0.3).all()
    if count < 2:  # a crop reaches into the tiles around
        assert not result.inside[0, 2 * TILE :].any() and not result.inside[0, :, 2 * TILE :].any()
    if count == 0:
        assert not result.inside.any()


def test_the_chain_and_the_whole_give_identical_pixels(lab: Lab) -> None:
    """With two faces of which one is chosen, and no widget of pasting as it was."""
    image = lab.picture(mosaic(2, columns=3, rows=2), "two faces.png")
    choices: dict[str, Any] = {
        "feather": 0.2,
        "match_colour": False,
        "strength": 0.8,
        "keep_detail": 0.5,
        "upscale": 2.0,
    }
    whole = lab.restore(image, selection="1", fidelity=0.65, **choices)
    faces = lab.align(image, selection="1")
    looked_at = lab.add("PaniniExtractDegradation", model=lab.model, faces=faces)
    weights = lab.add(
        "PaniniFusionWeights", model=lab.model, degradation=[looked_at, 0], preset="faithful"
    )
    restored = lab.add("PaniniRestoreFaces", model=lab.model, faces=faces, weights=[weights, 0])
    chain = lab.add(
        "PaniniPasteFaces", image=image, faces=[restored, 1], crops=[restored, 0], **choices
    )
    as_one, by_hand = lab.play(whole, chain)
    assert as_one.after.shape[1:3] == (2 * 2 * TILE, 2 * 3 * TILE)
    assert np.array_equal(as_one.after, by_hand.after)
    assert np.array_equal(as_one.inside, by_hand.inside)
    assert 0.02 < as_one.inside.mean() < 0.5  # one of the two


def test_alpha_comes_back(lab: Lab) -> None:
    image = portrait().convert("RGBA")
    image.putalpha(Image.linear_gradient("L"))
    loaded = lab.picture(image, "with alpha.png")
    joined = lab.add("JoinImageWithAlpha", image=loaded, alpha=[loaded[0], 1])
    node = lab.restore([joined, 0])
    before, after = lab.show_image([joined, 0]), lab.show_image([node, 0])
    run = lab.client.run(lab.prompt).raise_for_error()
    [old], [new] = lab.client.images(run, before), lab.client.images(run, after)
    assert old.mode == new.mode == "RGBA"
    alpha = new.getchannel("A").tobytes()
    assert alpha == old.getchannel("A").tobytes() and len(set(alpha)) > 200
    assert not np.array_equal(pixels(old), pixels(new))


def test_a_mask_says_where_faces_are_drawn(lab: Lab) -> None:
    """One in the image's frame, from a file."""
    image = lab.picture(portrait(), "portrait to mask.png")
    upper = Image.new("L", (256, 256))
    upper.paste(255, (0, 0, 256, 110))
    name = lab.client.upload_image(upper, "upper half.png")
    mask = lab.add("LoadImageMask", image=name, channel="red")
    faces = lab.align(image)
    crops = lab.add("PaniniRestoreFaces", model=lab.model, faces=faces)
    paste = {"image": image, "faces": faces, "crops": [crops, 0]}
    masked = lab.add("PaniniPasteFaces", **paste, mask_source="mask", mask=[mask, 0])
    whole, upper_half = lab.play(lab.add("PaniniPasteFaces", **paste), masked)
    upper_half.check()
    assert whole.changed[0, 118:].mean() > 0.1
    assert not upper_half.changed[0, 118:].any()  # the mask's edge is resampled: not at once
    assert upper_half.changed[0, :102].sum() > 0.9 * whole.changed[0, :102].sum()


def test_saved_degradations_are_listed_and_load_as_they_were(lab: Lab) -> None:
    image = lab.picture(portrait(), "degradation.png")
    faces = lab.align(image)
    looked_at = lab.add("PaniniExtractDegradation", model=lab.model, faces=faces)
    lab.add(
        "PaniniSaveDegradation", model=lab.model, degradation=[looked_at, 0], filename="of a test"
    )
    name = "of a test.safetensors"
    assert name not in sources(lab.client)
    lab.client.run(lab.prompt).raise_for_error()
    assert name in sources(lab.client)

    again = lab.add("PaniniLoadDegradation", model=lab.model, source=name)
    other = lab.add("PaniniLoadDegradation", model=lab.model, source="preset: heavy")
    shown: list[str] = []
    for degradation in (looked_at, again, other):
        restored = lab.add(
            "PaniniRestoreFaces", model=lab.model, faces=faces, degradation=[degradation, 0]
        )
        shown.append(lab.show_image([restored, 0]))
    run = lab.client.run(lab.prompt).raise_for_error()
    itself, loaded, preset = (pixels(lab.client.images(run, node)[0]) for node in shown)
    assert np.array_equal(itself, loaded)
    assert not np.array_equal(itself, preset)


def sources(client: Client) -> list[str]:
    """The list of the widget of Load Degradation."""
    definition = client.object_info("PaniniLoadDegradation")["PaniniLoadDegradation"]
    return definition["input"]["required"]["source"][1]["options"]
