"""The arguments that say how faces are restored: those of `RestoreOptions`."""

from __future__ import annotations

import argparse
import dataclasses

from ..options import (
    DEFAULT_BATCH,
    FILM_CODECS,
    FILM_SMOOTHING,
    MASK_SOURCES,
    FilmOptions,
    RestoreOptions,
    parse_regions,
)
from ..stages.per_face import parse_per_face
from .options import DEFAULTS, positive_integer, ratio


def add_aligned_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--aligned",
        action="store_true",
        help="the pictures are aligned square faces (FFHQ): no detection, the whole picture is "
        "restored",
    )


def add_restore_arguments(parser: argparse.ArgumentParser) -> None:
    """Those beside the ones that find and number faces (`add_detector_arguments`)."""
    _add_selection(parser)
    _add_restoring(parser)
    _add_pasting(parser)


def read_options(arguments: argparse.Namespace) -> RestoreOptions:
    """What was chosen. Raises ValueError for values out of range."""
    chosen = vars(arguments)
    names = [item.name for item in dataclasses.fields(RestoreOptions)]
    # Pictures stand alone, so nothing is smoothed over time.
    return RestoreOptions(**{name: chosen[name] for name in names if name != "smoothing"})


def add_film_arguments(parser: argparse.ArgumentParser) -> None:
    """Those for films alone."""
    films = parser.add_argument_group("films")
    films.add_argument(
        "--smoothing",
        type=float,
        default=FILM_SMOOTHING,
        metavar="FRAMES",
        help="steadies faces over so many frames: their places, their degradation and what is "
        "restored; 0: not at all (default: %(default)s)",
    )
    films.add_argument(
        "--resume",
        action="store_true",
        help="go on where a run was stopped, at the last part that was finished",
    )
    films.add_argument(
        "--codec",
        choices=FILM_CODECS,
        help="how frames are coded (default: as in the film, with half as many bits more)",
    )
    films.add_argument(
        "--crf",
        type=float,
        metavar="0..63",
        help="constant quality, the lower the better: 18 to 28 for h264 and hevc (default: the "
        "film's own bit rate decides)",
    )


def read_film_options(
    arguments: argparse.Namespace, options: RestoreOptions
) -> tuple[RestoreOptions, FilmOptions]:
    """What was chosen for films. Raises ValueError for values out of range."""
    chosen = FilmOptions(codec=arguments.codec, crf=arguments.crf)
    return dataclasses.replace(options, smoothing=arguments.smoothing), chosen


def _add_selection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--faces",
        default=DEFAULTS.faces,
        metavar="WHICH",
        help="all, largest, centre, or numbers as panini detect shows them, such as 0,2,4-6 "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--max-faces",
        type=int,
        default=DEFAULTS.max_faces,
        metavar="N",
        help="restore at most so many of them, the first ones; 0: all (default: %(default)s)",
    )


def _add_restoring(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--fidelity",
        type=_ratio_per_face,
        default=DEFAULTS.fidelity,
        metavar="0..1",
        help="1 trusts the picture, 0 the generative prior; 0.5 is what the network chose. Other "
        "ones for single faces, by their numbers: '0.5; 2: 0.8; 4-6: 0.3' (default: %(default)s)",
    )
    parser.add_argument(
        "--noise",
        dest="noise_amount",
        type=ratio,
        default=DEFAULTS.noise_amount,
        metavar="0..1",
        help="share of fresh noise behind hair, pores and stubble; another seed, another look "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--noise-seed",
        type=int,
        default=DEFAULTS.noise_seed,
        metavar="N",
        help="of the fresh noise (default: %(default)s)",
    )
    parser.add_argument(
        "--latent-pull",
        type=ratio,
        default=DEFAULTS.latent_pull,
        metavar="0..1",
        help="how far a face is pulled toward the average one: fewer accidents, less of the person "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--batch",
        type=positive_integer,
        default=DEFAULTS.batch,
        metavar="N",
        help="faces of a picture that are restored together; less saves memory "
        f"(default: {DEFAULT_BATCH}, and 1 on CPUs, where a batch is slower)",
    )


def _add_pasting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--strength",
        type=_ratio_per_face,
        default=DEFAULTS.strength,
        metavar="0..1",
        help="share of the restored face in the result; 0 leaves the picture as it is. Other ones "
        "for single faces, by their numbers: '1; 2: 0.5' (default: %(default)s)",
    )
    parser.add_argument(
        "--upscale",
        type=float,
        default=DEFAULTS.upscale,
        metavar="FACTOR",
        help="size of the result, from 1 (default: %(default)s)",
    )
    parser.add_argument(
        "--feather",
        type=float,
        default=DEFAULTS.feather,
        metavar="0..0.5",
        help="width of the soft border around a face, as a share of its crop "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--match-colour",
        action=argparse.BooleanOptionalAction,
        default=DEFAULTS.match_colour,
        help="take a face's broad colour and light from the picture (default: yes)",
    )
    parser.add_argument(
        "--keep-detail",
        type=ratio,
        default=DEFAULTS.keep_detail,
        metavar="0..1",
        help="of faces larger than the network's, share of the picture's finest detail that is "
        "put back (default: %(default)s)",
    )
    parser.add_argument(
        "--match-grain",
        action=argparse.BooleanOptionalAction,
        default=DEFAULTS.match_grain,
        help="put the photograph's grain back into restored faces, where there is any beside them "
        "(default: yes)",
    )
    parser.add_argument(
        "--mask-source",
        choices=MASK_SOURCES,
        default=DEFAULTS.mask_source,
        help="where a face is drawn. soft: in a rounded square. oval: from the hair line to the "
        "chin. parse: skin and features only, as --parser sees them. auto: parse where --parser is "
        "given, else soft (default: %(default)s)",
    )
    parser.add_argument(
        "--regions",
        type=_regions,
        default=DEFAULTS.regions,
        metavar="TEXT",
        help="parts of faces that are drawn less, of eyes, brows, nose, mouth and skin (the rest), "
        "such as 'eyes: 0; mouth: 0.5' (default: all of a face)",
    )
    parser.add_argument(
        "--parser",
        metavar="FILE",
        help="for --mask-source parse and auto: parsing_parsenet.pth or parsing_bisenet.pth (needs "
        "facexlib)",
    )


def _ratio_per_face(text: str) -> float | str:
    """A number from 0 to 1, or a text that gives some faces another one, for argparse."""
    if ":" not in text and ";" not in text:
        return ratio(text)
    try:
        values = parse_per_face(text).values()
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    for value in values:
        ratio(f"{value:g}")
    return text


def _regions(text: str) -> str:
    """A text for `parse_regions`, for argparse."""
    try:
        parse_regions(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text
