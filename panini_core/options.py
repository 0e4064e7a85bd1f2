"""What may be chosen about a restoration, and the defaults; read without loading torch."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from .stages.per_face import parse_per_face, read_number
from .stages.selection import OTHER_SPELLINGS, SORT_ORDERS, parse_rule, plain_signs

AUTO = "auto"  # what suits the machine: a device, a precision, a detector
PRECISIONS = ("fp32", "fp16", "bf16")  # of networks
DTYPE_NAMES = (AUTO, *PRECISIONS)
CHECKPOINT_SUFFIX = ".safetensors"  # of the checkpoints that are written
# The Panini networks that come with the package, by their presets: the better one first
BUNDLED_NETWORKS = ("mobile", "compact")
# What facexlib and the packs built on it call their files: the more accurate detector; the face
# parsers, the preferred one first
BEST_DETECTOR = "detection_Resnet50_Final.pth"
PARSER_FILES = ("parsing_parsenet.pth", "parsing_bisenet.pth")
DEFAULT_THRESHOLD = 0.6  # least score of a face
DEFAULT_FEATHER = 0.1  # soft border of the paste mask, share of the crop's side
DEFAULT_CROP_SIDE = 512  # px, of an aligned face
DEFAULT_BATCH = 8  # faces that go through the network together, except on CPUs
MASK_SHAPES = ("crop", "ellipse", "box")  # in which a face may be masked
# Where a face is drawn. auto: parse where there is a parser, else soft.
MASK_SOURCES = ("soft", "oval", "auto", "parse")
REGION_FEATHER = 0.02  # soft border of a part of a face, share of the crop's side
FIDELITY_PRESETS = {"balanced": 0.5, "faithful": 0.65, "beautiful": 0.35}
# The classes of an atlas, in its order: single degradations of every strength, then mixed ones.
SINGLE_DEGRADATIONS = ("sharp", "blur", "noise", "jpeg", "low resolution")
MIXED_DEGRADATIONS = ("mild", "medium", "heavy")
KNOWN_DEGRADATIONS = (*SINGLE_DEGRADATIONS, *MIXED_DEGRADATIONS)
ATLAS_SUFFIX = ".atlas.safetensors"  # of the file beside a checkpoint
ONNX_SUFFIX = ".onnx"  # of networks that onnxruntime computes
TILE = 256  # px, the side of a face on a sheet
SMALLEST_TILE, LARGEST_TILE = 112, 1024  # px; a smaller one would be narrower than its figures
LARGEST_SEED = 2**64 - 1
FILM_SMOOTHING = 2.0  # frames; of films, where nothing else is said
FILM_CODECS = ("h264", "hevc", "vp9", "av1", "prores", "ffv1")  # that may be asked for

_RANGES = {
    "threshold": (0, 1),
    "min_size": (0, math.inf),
    "max_size": (0, math.inf),
    "max_faces": (0, math.inf),
    "smoothing": (0, math.inf),
    "fidelity": (0, 1),
    "noise_seed": (0, LARGEST_SEED),
    "noise_amount": (0, 1),
    "latent_pull": (0, 1),
    "strength": (0, 1),
    "feather": (0, 0.5),
    "keep_detail": (0, 1),
    "eyes": (0, 1),
    "brows": (0, 1),
    "nose": (0, 1),
    "mouth": (0, 1),
    "skin": (0, 1),
    "upscale": (1, math.inf),
    "batch": (1, math.inf),
}


@dataclass(frozen=True, kw_only=True)
class _Checked:
    """Choices that are checked when they are made, each against its range."""

    def __post_init__(self) -> None:
        for item in fields(self):
            low, high = _RANGES.get(item.name, (None, None))
            if low is None or high is None:
                continue
            chosen: float | str | None = getattr(self, item.name)
            if chosen is None:
                continue
            for value in parse_per_face(chosen).values() if isinstance(chosen, str) else [chosen]:
                if not low <= value <= high or (value == math.inf and item.name != "max_size"):
                    text = f"be at least {low}" if high == math.inf else f"lie in {low}..{high}"
                    raise ValueError(f"{item.name} must {text}, got {value}.")


@dataclass(frozen=True, kw_only=True)
class NetworkOptions(_Checked):
    """How the network restores aligned faces. Raises ValueError for values out of range."""

    # 0 trusts the GAN prior, 1 the image's own features, 0.5 is neutral. A text gives some faces
    # another one (see `parse_per_face`), here and below.
    fidelity: float | str = 0.5
    noise_seed: int = 0  # of the fresh noise
    noise_amount: float = 0  # share of fresh noise in the generator's, 0..1
    latent_pull: float = 0  # toward the average face, 0..1
    batch: int | None = None  # faces that go through the network together; None: `default_batch`


@dataclass(frozen=True, kw_only=True)
class FaceRegions(_Checked):
    """How strongly each part of a face counts, 0..1. Raises ValueError for values out of range."""

    eyes: float = 1.0
    brows: float = 1.0
    nose: float = 1.0
    mouth: float = 1.0
    skin: float = 1.0  # the rest of what is drawn


def parse_regions(text: str) -> FaceRegions:
    """`eyes: 0; mouth: 0.5` as the strengths of a face's parts; those that are not named have 1.

    Full-width signs, as keyboards for Chinese and Japanese type them, are read as well. Raises
    ValueError for what cannot be read, for a part that is named twice, and for values out of range.
    """
    names = [item.name for item in fields(FaceRegions)]
    strengths: dict[str, float] = {}
    for part in plain_signs(text).split(";"):
        if not part.strip():
            continue
        name, _, value = (piece.strip() for piece in part.partition(":"))
        name, number = name.lower(), read_number(value)
        if name not in names or number is None or name in strengths:
            twice = "names a part twice" if name in strengths else "is no part and its strength"
            raise ValueError(
                f"Cannot read {text!r}: {part.strip()!r} {twice}. Expected {', '.join(names)}, "
                "each with a strength from 0 to 1, such as eyes: 0; mouth: 0.5."
            )
        strengths[name] = number
    return FaceRegions(**strengths)


@dataclass(frozen=True, kw_only=True)
class PasteOptions(_Checked):
    """How restored faces are pasted. Raises ValueError for values out of range."""

    strength: float | str = 1.0  # share of the restored face in the result, 0..1; also per face
    upscale: float = 1  # size of the result, at least 1
    feather: float = DEFAULT_FEATHER  # soft border of the mask, share of the crop's side, 0..0.5
    match_colour: bool = True  # low frequencies of colour and light come from the image
    keep_detail: float = 1.0  # of faces larger than their crop: finest detail of the image, 0..1
    match_grain: bool = True  # noise like that beside the face is put back where there is any
    mask_source: str = MASK_SOURCES[0]  # where they are drawn, one of MASK_SOURCES
    # Parts of faces that are drawn less, such as `eyes: 0; mouth: 0.5` (see `parse_regions`)
    regions: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        parse_regions(self.regions)
        if self.mask_source not in MASK_SOURCES:
            names = ", ".join(MASK_SOURCES)
            raise ValueError(f"mask_source must be one of {names}, got {self.mask_source!r}.")


@dataclass(frozen=True, kw_only=True)
class RestoreOptions(NetworkOptions, PasteOptions):
    """What may be chosen about a whole restoration: also which faces are restored.

    Raises ValueError for values out of range.
    """

    threshold: float = DEFAULT_THRESHOLD  # least score of a face, 0..1
    min_size: float = 0  # least longer side of a face's box, px
    max_size: float = 0  # largest longer side of a face's box, px; 0: no limit
    sort: str = SORT_ORDERS[0]  # the order in which the faces of an image are numbered
    faces: str = "all"  # all, largest, centre, none, or numbers from 0 such as 0,2,4-6
    max_faces: int = 0  # at most so many of an image, the first ones; 0: no limit
    smoothing: float = 0  # frames; over time in a clip. 0: the images are single pictures

    def __post_init__(self) -> None:
        super().__post_init__()
        parse_rule(self.faces)
        if OTHER_SPELLINGS.get(self.sort, self.sort) not in SORT_ORDERS:
            raise ValueError(f"sort must be one of {', '.join(SORT_ORDERS)}, got {self.sort!r}.")


@dataclass(frozen=True, kw_only=True)
class FilmOptions:
    """How the frames of a restored film are coded; None: as those of its source."""

    codec: str | None = None  # one of FILM_CODECS
    crf: float | None = None  # constant quality: the lower the better; 18 to 28 are usual
