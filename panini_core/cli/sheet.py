"""`panini sheet INPUT… -o FILE`: every face of many pictures, before and after, on one sheet."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image
from torch import Tensor

from ..atlas import DegradationAtlas, describe_degradation, load_atlas
from ..drawing.contact_sheet import ContactSheet, Tile, draw_entry, thumbnail
from ..drawing.faces import at_one_size, zoom_on
from ..faces import Face, FaceSet
from ..images import read_image, save_image
from ..models.face_detector import FaceDetector
from ..models.face_parser import FaceParser
from ..models.face_restorer import FaceRestorer
from ..models.image_upscaler import ImageUpscaler
from ..models.panini import PaniniNet
from ..options import RestoreOptions
from ..stages.grouping import face_numbers
from ..stages.represent import represent_degradation
from .batch import Outcome, Result, Tally, count, run_jobs
from .console import usage_errors
from .inputs import Job, find_others, find_sources
from .opening import open_detector, open_parser, open_restorer, open_upscaler
from .restore_arguments import read_options
from .restore_picture import restore_picture
from .sheet_file import require_sheet

PAIRS_A_ROW = 2
NAMED = 12  # pictures without a face that the sheet's title names
_MORE_ROOM = "Choose a smaller --tile, or make another sheet of the rest."


def run(arguments: argparse.Namespace) -> int:
    with usage_errors():
        options = read_options(arguments)
    output: Path = arguments.output
    sources = find_sources(arguments.inputs, output, recursive=arguments.recursive)
    require_sheet(output, [source.path for source in sources], force=arguments.force)
    upscaler = open_upscaler(arguments)
    model = open_restorer(arguments, options)
    detector = None if arguments.aligned else open_detector(arguments)
    with usage_errors():
        panini = isinstance(model, PaniniNet)
        atlas = load_atlas(model, arguments.model) if panini else None
    names = {source.path: source.relative.as_posix() for source in sources}
    parser = open_parser(arguments)
    gallery = _Gallery(
        model,
        detector,
        atlas,
        options,
        names,
        upscaler=upscaler,
        parser=parser,
        tile=arguments.tile,
    )
    others = find_others(arguments.inputs, output, recursive=arguments.recursive)
    tally = Tally("Drew", others)
    jobs = [Job(source.path, output) for source in sources]
    try:
        run_jobs(jobs, gallery, tally, output=output, force=arguments.force, debug=arguments.debug)
    finally:  # also on Ctrl-C
        if gallery.shown or gallery.without_face:
            save_image(output, gallery.finish())
    return tally.exit_code


class _Gallery:
    """Restores one picture and puts its faces on the sheet; the work of `run_jobs`."""

    def __init__(
        self,
        model: FaceRestorer,
        detector: FaceDetector | None,  # None: the pictures are aligned faces
        atlas: DegradationAtlas | None,  # None: nothing tells how faces are degraded
        options: RestoreOptions,
        names: Mapping[Path, str],
        *,
        upscaler: ImageUpscaler | None,
        parser: FaceParser | None,
        tile: int,
    ) -> None:
        self.model = model
        self.detector = detector
        self.atlas = atlas
        self.options = options
        self.names = names
        self.upscaler = upscaler
        self.parser = parser
        self.tile = tile
        self.sheet = ContactSheet(PAIRS_A_ROW)
        self.full = False
        self.shown: set[str] = set()
        self.without_face: list[str] = []

    def __call__(self, job: Job) -> Result:
        if self.full:
            raise ValueError(f"the sheet is full. {_MORE_ROOM}")
        image = read_image(job.source)
        result, restored, report = restore_picture(
            self.model,
            self.detector,
            image.pixels,
            self.options,
            upscaler=self.upscaler,
            keep_faces=True,
            parser=self.parser,
        )
        name = self.names[job.source]
        if restored is None or len(restored.face_set) == 0:
            self.without_face.append(name)
            return Result(Outcome.NOTHING_TO_DO, 0, report.note, image.notes)

        numbers = face_numbers(restored.face_set.faces)
        captions = self._captions(name, numbers, restored.face_set)
        before, after = at_one_size(image.pixels, result)
        scale = result.shape[-1] / image.size[0]
        for done, row in enumerate(sorted(range(len(numbers)), key=numbers.__getitem__)):
            face = restored.face_set.faces[row]
            tiles = [
                Tile(self._cut(picture, face, scale), label)
                for picture, label in ((before, "before"), (after, "after"))
            ]
            if not self.sheet.add(draw_entry(captions[row], tiles)):
                self.full = True
                raise ValueError(
                    f"the sheet had room for {done} of its {len(numbers)} faces. {_MORE_ROOM}"
                )
            self.shown.add(name)
        return Result(Outcome.DONE, len(numbers), report.note, image.notes)

    def finish(self) -> Tensor:
        """The sheet (3, H, W), RGB in [0, 1]."""
        faces, pictures = len(self.sheet.entries), len(self.shown)
        title = [f"{count(faces, 'face')} of {count(pictures, 'picture')}, before and after"]
        if self.without_face:
            title.append(f"No face to show in {', '.join(self.without_face[:NAMED])}")
        if len(self.without_face) > NAMED:
            title[-1] += f" and {len(self.without_face) - NAMED} more"
        if self.atlas is None:
            title.append("The model has no atlas, which would tell how faces are degraded")
        return self.sheet.finish(title)

    def _captions(self, name: str, numbers: Sequence[int], faces: FaceSet) -> list[list[str]]:
        """The lines above each face."""
        captions = [[name] for _ in numbers]
        if self.detector is not None:
            captions = [
                [f"{name}, face {number}, {face.size:.0f} px"]
                for number, face in zip(numbers, faces.faces, strict=True)
            ]
        if self.atlas is not None and isinstance(self.model, PaniniNet):
            degradation = represent_degradation(self.model, faces, batch=self.options.batch)
            for caption, known in zip(
                captions, describe_degradation(self.atlas, degradation), strict=True
            ):
                caption.append(known.text)
        return captions

    def _cut(self, picture: Image.Image, face: Face, scale: float) -> Image.Image:
        if self.detector is None:
            return thumbnail(picture, self.tile)
        return zoom_on(picture, face, scale, self.tile)
