"""Films through the node for them, from Load Video to the frames of what it gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from .client import Client, InvalidPromptError
from .lab import Lab
from .model_files import write_clip
from .pictures import Pixels, images, pixels, portrait
from .prompts import Link

CLIP = "film.mp4"
FRAMES = 4


@pytest.fixture
def lab(client: Client, tmp_path: Path) -> Lab:
    """A prompt beside a clip in the input folder."""
    blurred = portrait().resize((64, 64)).resize((256, 256), Image.Resampling.BICUBIC)
    frame = pixels(blurred).astype(np.uint8)
    write_clip(tmp_path / CLIP, [frame] * FRAMES, 12)
    assert client.upload_image(tmp_path / CLIP, CLIP) == CLIP
    return Lab(client)


def restore(lab: Lab, **inputs: Any) -> str:
    """The number of the node that shows the frames of the restored clip."""
    video: Link = [lab.add("LoadVideo", file=CLIP), 0]
    restored = lab.add(
        "PaniniRestoreVideo",
        **{"video": video, "model": lab.model, "detector": lab.detector, **inputs},
    )
    parts = lab.add("GetVideoComponents", video=[restored, 0])
    return lab.show_image([parts, 0])


def test_masks_and_values_of_single_faces_count_for_films(client: Client, lab: Lab) -> None:
    shown = {
        "usual": restore(lab),
        "oval": restore(lab, mask_source="oval"),
        "prettiest": restore(lab, face_fidelity="0: 0"),
        "left": restore(lab, face_strength="0: 0"),
        "auto": restore(lab, mask_source="auto", match_grain=False),
    }
    run = client.run(lab.prompt).raise_for_error()
    films = {name: images(client, run, node) for name, node in shown.items()}
    assert {film.shape for film in films.values()} == {(FRAMES, *pixels(portrait()).shape)}
    share = {name: drawn(film, films["left"]) for name, film in films.items()}
    assert share["usual"] > 0.02
    assert 0.005 < share["oval"] < 0.8 * share["usual"]
    assert drawn(films["prettiest"], films["usual"]) > 0.02
    assert np.array_equal(films["auto"], films["usual"])  # no parsing file is there, and no grain


def drawn(film: Pixels, other: Pixels) -> float:
    """The share of pixels in which two films differ by far more than coding does."""
    return float((np.abs(film - other).max(-1) > 12).mean())


def test_a_text_that_names_no_face_is_refused(client: Client, lab: Lab) -> None:
    restore(lab, face_strength="the left one: 0.5")
    with pytest.raises(InvalidPromptError, match="names no faces by number"):
        client.run(lab.prompt)
