"""What editing does: another degradation representation, levels overridden, fidelity moved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from panini_core.atlas import DegradationAtlas, preset_degradation, readable_name
from panini_core.drawing.contact_sheet import ContactSheet, Tile, draw_entry, thumbnail
from panini_core.drawing.faces import to_pillow
from panini_core.faces import DegradationRepresentation, FaceSet, InterpolationWeights
from panini_core.models.panini import PaniniNet
from panini_core.options import SINGLE_DEGRADATIONS, TILE
from panini_core.stages.alpha import apply_fidelity, override_levels, weigh_features
from panini_core.stages.level_statistics import PICTURE_LEVEL
from panini_core.stages.represent import represent_degradation
from panini_core.stages.restore import restore_faces

from ..metrics.psnr import psnr

EDITS = ("degradation", "levels", "fidelity")
FIDELITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
SHOWN = 4  # faces on a sheet

OnProgress = Callable[[int, int], None]
Edit = Callable[[DegradationRepresentation, InterpolationWeights], InterpolationWeights]


@dataclass(frozen=True, slots=True)
class EditResult:
    """One setting, over all faces."""

    edit: str  # of EDITS
    setting: str
    change: float  # mean absolute difference to the unedited restoration, of 255
    psnr: float  # mean dB to the clean faces


@dataclass(frozen=True, slots=True, eq=False)
class EditingStudy:
    """Every setting in figures, and a sheet (3, H, W), RGB in [0, 1], for each kind of edit."""

    faces: int
    results: tuple[EditResult, ...]
    sheets: dict[str, Tensor]


@torch.inference_mode()
def study_editing(
    model: PaniniNet,
    atlas: DegradationAtlas,
    degraded: FaceSet,
    clean: Tensor,  # (F, 3, R, R) in [0, 1]: the same faces, R the size of the model's results
    *,
    tile: int = TILE,  # px
    on_progress: OnProgress | None = None,  # settings done, of how many
) -> EditingStudy:
    """Restore the faces at every setting of every edit; the first ones are shown on the sheets."""
    own = represent_degradation(model, degraded)
    predicted = weigh_features(model, own)
    plain = restore_faces(model, degraded, predicted).crops.cpu()
    edits = _edits(model, atlas)
    total, done = sum(len(settings) for settings in edits.values()), 0
    results: list[EditResult] = []
    sheets: dict[str, Tensor] = {}
    for edit, settings in edits.items():
        columns: list[tuple[str, Tensor]] = []
        for setting, change in settings.items():
            restored = restore_faces(model, degraded, change(own, predicted)).crops.cpu()
            columns.append((setting, restored[:SHOWN]))
            results.append(
                EditResult(
                    edit=edit,
                    setting=setting,
                    change=float((restored - plain).abs().mean() * 255),
                    psnr=float(psnr(restored, clean).mean()),
                )
            )
            done += 1
            if on_progress is not None:
                on_progress(done, total)
        sheets[edit] = _sheet(degraded.crops.cpu(), plain, columns, tile)
    return EditingStudy(faces=len(degraded), results=tuple(results), sheets=sheets)


def _edits(model: PaniniNet, atlas: DegradationAtlas) -> dict[str, dict[str, Edit]]:
    def exchange(name: str) -> Edit:
        vectors = preset_degradation(atlas, name).vectors.to(model.device)

        def edit(
            own: DegradationRepresentation, predicted: InterpolationWeights
        ) -> InterpolationWeights:
            count = len(own)
            return weigh_features(model, DegradationRepresentation(vectors.expand(count, -1)))

        return edit

    def override(level: int | None, value: float) -> Edit:
        """level: of the fused ones; None: all of the picture's bands."""
        fused = len(model.config.level_channels)
        total = fused + model.config.picture_bands

        def chosen(index: int) -> bool:
            return index >= fused if level is None else index == level

        values = [value if chosen(index) else None for index in range(total)]
        return lambda own, predicted: override_levels(predicted, values)

    levels: dict[str, Edit] = {}
    names: dict[str, int | None] = {
        f"{resolution} px": level for level, resolution in enumerate(model.config.level_resolutions)
    }
    if model.config.picture_bands:
        names[PICTURE_LEVEL] = None
    for value, side in ((0.0, "image"), (1.0, "prior")):
        levels |= {f"{name}: {side}": override(level, value) for name, level in names.items()}
    return {
        "degradation": {readable_name(name): exchange(name) for name in SINGLE_DEGRADATIONS},
        "levels": levels,
        "fidelity": {
            f"{fidelity:g}": lambda own, predicted, fidelity=fidelity: apply_fidelity(
                predicted, fidelity
            )
            for fidelity in FIDELITIES
        },
    }


def _sheet(degraded: Tensor, plain: Tensor, columns: list[tuple[str, Tensor]], tile: int) -> Tensor:
    """A row a face: degraded, unedited, then every setting; at most eight tiles a row."""
    sheet = ContactSheet()
    for face in range(min(len(degraded), SHOWN)):
        pictures = [("degraded", degraded[face]), ("unedited", plain[face])]
        pictures += [(name, crops[face]) for name, crops in columns]
        rows = -(-len(pictures) // 8)
        width = -(-len(pictures) // rows)
        for start in range(0, len(pictures), width):
            tiles = [
                Tile(thumbnail(to_pillow(picture), tile), name)
                for name, picture in pictures[start : start + width]
            ]
            sheet.add(draw_entry([], tiles))
    return sheet.finish([])
