"""`panini atlas --faces SOURCES… -o FILE`: known degradations, as one model sees them."""

from __future__ import annotations

import argparse
from pathlib import Path

from panini_core.atlas import describe_degradation, preset_degradation, save_atlas
from panini_core.cli.console import EXIT_DONE, Progress, UsageError, say, usage_errors
from panini_core.cli.inputs import require_new_file
from panini_core.cli.opening import open_model
from panini_core.drawing.plots import plot_atlas
from panini_core.images import save_image
from panini_core.options import ATLAS_SUFFIX

from ..training.atlas_builder import build_atlas
from ..training.config import DataConfig
from ..training.data import load_faces


def run(arguments: argparse.Namespace) -> int:
    target: Path = arguments.output
    if not target.name.lower().endswith(ATLAS_SUFFIX):
        raise UsageError(f"{target}: expected a name that ends in {ATLAS_SUFFIX}.")
    for path in (target, arguments.plot):
        if path is not None:
            require_new_file(path, [], force=arguments.force)
    model = open_model(arguments)
    with usage_errors():
        config = DataConfig(
            sources=tuple(arguments.faces),
            image_size=model.config.input_size,
            limit=arguments.limit,
        )
        faces = load_faces(config)
    with Progress("face") as progress:
        atlas = build_atlas(model, faces, seed=arguments.seed, on_progress=progress.show)

    save_atlas(target, atlas)
    size = target.stat().st_size / 1e3
    say(f"{len(atlas.vectors)} samples of {len(faces)} faces -> {target} ({size:.0f} kB)")
    for name in atlas.names:
        (typical,) = describe_degradation(atlas, preset_degradation(atlas, name))
        say(f"  {name}: a typical one is {typical.text}")
    if arguments.plot is not None:
        save_image(arguments.plot, plot_atlas(atlas, []))
        say(f"Map: {arguments.plot}")
    return EXIT_DONE
