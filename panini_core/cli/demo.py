"""`panini demo`: a sample photograph, made worse and restored; needs no download."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..checkpoints.detector import load_detector
from ..drawing.faces import comparison_sheet
from ..images import save_image
from ..models.transfer import to_device
from ..options import RestoreOptions
from ..pipeline import restore_images_with_report
from ..sample_photo import sample_photo
from .console import EXIT_DONE, EXIT_PROBLEM, complain, say, usage_errors
from .inputs import make_folder
from .opening import open_device, open_restorer

PRESET, SEED = "mild", 3
UPSCALE = 2  # the face is small in the photograph; so its detail shows


def run(arguments: argparse.Namespace) -> int:
    options = RestoreOptions(upscale=UPSCALE)
    model = open_restorer(arguments, options)
    with usage_errors():
        detector = load_detector(device=open_device(arguments))

    degraded = sample_photo(PRESET, seed=SEED)
    restoration = restore_images_with_report(
        detector, model, to_device(degraded, model.device), options
    )
    (report,) = restoration.reports
    result = restoration.images[0].cpu()
    sheet = comparison_sheet(degraded[0], result, dict(enumerate(report.found)))

    output: Path = arguments.output
    make_folder(output)
    pictures = {"degraded": degraded[0], "restored": result, "before-after": sheet}
    say(f"{report.note} ({restoration.seconds:.1f} s on {model.device})")
    for name, pixels in pictures.items():
        path = output / f"{name}.png"
        save_image(path, pixels)
        say(f"  {path.resolve()}")
    if not any(report.selected):
        complain("The sample photograph has a face; that none was found points to the detector.")
        return EXIT_PROBLEM
    return EXIT_DONE
