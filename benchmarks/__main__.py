"""`python -m benchmarks WHAT…`: a table each, in Markdown."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import partial

import torch
from torch import Tensor

from panini_core import (
    BUNDLED_NETWORKS,
    FaceDetector,
    RestoredFaces,
    RestoreOptions,
    align_faces,
    detect_faces,
    load_detector,
    load_panini,
    paste_faces,
    restore_images,
    to_network,
)

from .gpu import NoDeviceError
from .gpu import table as gpu_table
from .pairs import Comparison, compare
from .processes import cold_start, peak_memory
from .scenes import scene
from .usual import UsualPipeline

CROP = 512  # px of an aligned face
DETECTIONS = ("as-they-come", "mobile0.25", "resnet50")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", choices=list(BENCHMARKS), nargs="+")
    parser.add_argument("--faces", type=int, nargs="+", default=[1, 4, 8, 30])
    parser.add_argument("--side", type=int, default=1024, help="of the picture, px")
    parser.add_argument("--runs", type=int, default=5, help="that count, after one that does not")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument(
        "--detector",
        choices=DETECTIONS,
        default=DETECTIONS[0],
        help="as-they-come: our bundled mobile0.25 against the usual resnet50; mobile0.25, or "
        "resnet50 (needs --detector-file): the same network in both (default: %(default)s)",
    )
    parser.add_argument(
        "--detector-file",
        metavar="FILE",
        help="of RetinaFace resnet50 in facexlib's layout, for ours; the usual one holds random "
        "numbers, which cost the same",
    )
    parser.add_argument(
        "--model",
        choices=BUNDLED_NETWORKS,
        help="our network (default: the default one of this machine)",
    )
    parser.add_argument("--device", default="cuda", help="of gpu: cuda, or cpu to try it")
    parser.add_argument("--compile", action="store_true", help="gpu: the network compiled as well")
    arguments = parser.parse_args()
    if (arguments.detector == "resnet50") != (arguments.detector_file is not None):
        parser.error("--detector resnet50 and --detector-file go together.")
    torch.set_num_threads(arguments.threads)
    _say(f"`{' '.join(['python -m benchmarks', *sys.argv[1:]])}`, {date.today().isoformat()}, ")
    _say(f"{_processor()}, {arguments.threads} threads, torch {torch.__version__}\n")
    for what in arguments.what:
        try:
            for line in BENCHMARKS[what](arguments):
                _say(line)
        except NoDeviceError as error:
            parser.exit(2, f"{error}\n")
        _say("")


def _pipeline(arguments: argparse.Namespace) -> Iterable[str]:
    """Everything, from the picture to the picture."""
    detector, usual = our_detector(arguments), _usual(arguments)
    model = load_panini(arguments.model)
    yield from _header("pipeline")
    for count in arguments.faces:
        picture = scene(count, arguments.side)
        faces = detect_faces(detector, picture[None])
        ours = _bind(restore_images, detector, model, picture[None], RestoreOptions())
        other = None if usual is None else _bind(usual, picture, faces)
        yield _row(f"{len(faces)} faces, {arguments.side} px", _compared(ours, other, arguments))


def _rest(arguments: argparse.Namespace) -> Iterable[str]:
    """Everything but the network that restores: the crops are pasted as they are."""
    detector, usual = our_detector(arguments), _usual(arguments)

    def ours(picture: Tensor) -> Tensor:
        aligned = align_faces(picture, detect_faces(detector, picture))
        return paste_faces(picture, RestoredFaces(aligned, aligned.crops))

    yield from _header("all but the network")
    for count in arguments.faces:
        picture = scene(count, arguments.side)
        faces = detect_faces(detector, picture[None])
        other = None if usual is None else _bind(partial(usual, network=False), picture, faces)
        found = _compared(_bind(ours, picture[None]), other, arguments)
        yield _row(f"{len(faces)} faces, {arguments.side} px", found)


def _network(arguments: argparse.Namespace) -> Iterable[str]:
    """The network alone."""
    model, usual = load_panini(arguments.model), _usual(arguments)
    face = scene(1, CROP)
    crop = (face.permute(1, 2, 0) * 255).numpy()[..., ::-1]
    yield from _header("network")
    for count in arguments.faces:
        batch = to_network(face.expand(count, -1, -1, -1))
        other = None if usual is None else _bind(_repeat, usual.restore, crop, count)
        yield _row(f"{count} faces", _compared(_bind(model, batch), other, arguments))


def _detection(arguments: argparse.Namespace) -> Iterable[str]:
    """Finding the faces alone."""
    detector, usual = our_detector(arguments), _usual(arguments)
    yield from _header(f"detection, {' against '.join(networks_of(arguments))}")
    for count in arguments.faces:
        picture = scene(count, arguments.side)
        other = None if usual is None else _bind(usual.detect, picture)
        ours = _bind(detect_faces, detector, picture[None])
        yield _row(f"{count} faces, {arguments.side} px", _compared(ours, other, arguments))


def _start(arguments: argparse.Namespace) -> Iterable[str]:
    """`panini restore` of one small picture, beside importing torch and reading the weights."""
    ours, needed = cold_start(arguments.runs)
    yield "| start | CPU s |"
    yield "|---|---|"
    yield f"| panini restore | {ours:.2f} |"
    yield f"| import torch, weights read | {needed:.2f} |"
    yield f"| times | {ours / needed:.2f} |"


def _memory(arguments: argparse.Namespace) -> Iterable[str]:
    """What restoring holds beside the networks: the pictures before and after count."""
    yield "| memory | pictures in float, MiB | held on top, MiB | times |"
    yield "|---|---|---|---|"
    for side, count in ((1024, 1), (6000, 1), (480, 32), (480, 128)):
        _, peak, pictures = peak_memory(side, count)
        name = f"{count} of {side} px"
        yield f"| {name} | {pictures:.0f} | {peak:.0f} | {peak / pictures:.1f} |"


BENCHMARKS: dict[str, Callable[[argparse.Namespace], Iterable[str]]] = {
    "pipeline": _pipeline,
    "rest": _rest,
    "network": _network,
    "detection": _detection,
    "start": _start,
    "memory": _memory,
    "gpu": gpu_table,
}


def networks_of(arguments: argparse.Namespace) -> tuple[str, str]:
    """The networks of our detector and of the usual one."""
    chosen: str = arguments.detector
    return ("mobile0.25", "resnet50") if chosen == DETECTIONS[0] else (chosen, chosen)


def our_detector(arguments: argparse.Namespace) -> FaceDetector:
    """Raises SystemExit for a file of another network."""
    detector = load_detector(arguments.detector_file or "bundled")
    wanted = f"RetinaFace {networks_of(arguments)[0]}"
    if (found := getattr(detector, "name", wanted)) != wanted:
        raise SystemExit(f"Expected {wanted} in {arguments.detector_file}, found {found}.")
    return detector


def _usual(arguments: argparse.Namespace) -> UsualPipeline | None:
    try:
        return UsualPipeline(networks_of(arguments)[1])
    except ImportError as error:
        _say(f"Nothing to compare with: {error}\n")
        return None


def _bind(work: Callable[..., object], *arguments: object) -> Callable[[], object]:
    def run() -> object:
        with torch.inference_mode():
            return work(*arguments)

    return run


def _repeat(work: Callable[..., object], argument: object, times: int) -> None:
    for _ in range(times):
        work(argument)


def _compared(
    ours: Callable[[], object], other: Callable[[], object] | None, arguments: argparse.Namespace
) -> Comparison:
    return compare(ours, other, runs=arguments.runs)


def _header(what: str) -> Sequence[str]:
    columns = ("ours, CPU s", "usual, CPU s", "times", "ours, s", "usual, s", "times")
    return f"| {what} | {' | '.join(columns)} |", "|---" * 7 + "|"


def _row(name: str, found: Comparison) -> str:
    cells: list[str] = []
    for unit in ("cpu", "wall"):
        cells.append(f"{found.median('ours', unit):.3f}")
        compared = bool(found.other)
        cells.append(f"{found.median('other', unit):.3f}" if compared else "–")
        cells.append(f"{found.ratio(unit):.1f}" if compared else "–")
    return f"| {name} | {' | '.join(cells)} |"


def _processor() -> str:
    """The processor's name, where torch knows it."""
    known = getattr(torch.cpu, "get_capabilities", dict)()
    return str(known.get("cpu_name") or platform.processor() or platform.machine())


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
