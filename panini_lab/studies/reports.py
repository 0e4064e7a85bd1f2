"""The studies in words: Markdown tables."""

from __future__ import annotations

from collections.abc import Sequence

from ..metrics.psnr import EQUAL_PSNR
from .calibration import Calibration, Figures
from .curve import Curve
from .editing import EditingStudy
from .flicker import FlickerStudy
from .fusion import FusionStudy
from .response import ResponseStudy
from .separation import SeparationStudy


def report_separation(study: SeparationStudy) -> str:
    questions = (
        ("degradation", "kinds of fault"),
        ("person", "kinds of fault"),
        ("person", "mixed"),
    )
    neighbours = (
        study.kind_by_neighbours,
        study.person_by_neighbours,
        study.person_by_neighbours_mixed,
    )
    probe = (study.kind_by_probe, study.person_by_probe, study.person_by_probe_mixed)
    chance = (study.kind_by_chance, study.person_by_chance, study.person_by_chance)
    rows = [
        [*question, *(f"{share:.1%}" for share in shares)]
        for question, *shares in zip(questions, neighbours, probe, chance, strict=True)
    ]
    return table(("told apart", "degraded", "5 neighbours", "linear probe", "chance"), rows)


def report_response(study: ResponseStudy) -> str:
    parts: list[str] = []
    for response in study.responses:
        rows = [
            [
                dose,
                "" if psnr >= EQUAL_PSNR else f"{psnr:.1f}",
                *(f"{alpha:.2f}" for alpha in alphas),
            ]
            for dose, psnr, alphas in zip(
                response.doses, response.psnr, response.alpha, strict=True
            )
        ]
        rows.append(["rank correlation", "", *(f"{value:+.2f}" for value in response.correlation)])
        parts.append(table((response.degradation, "PSNR", *study.levels), rows))
    return "\n\n".join(parts)


def report_fusion(study: FusionStudy) -> str:
    rows = [["(degraded)", "", "", f"{study.degraded_psnr:.2f}", f"{study.degraded_ssim:.3f}", ""]]
    rows += [
        [
            result.fusion,
            "DR" if result.represented else "one learned vector",
            f"{result.parameters:,}",
            f"{result.psnr:.2f}",
            f"{result.ssim:.3f}",
            f"{result.gain_of_own_degradation:+.2f} dB" if result.represented else "",
        ]
        for result in sorted(study.results, key=lambda result: -result.psnr)
    ]
    header = ("fusion", "steered by", "trained parameters", "PSNR", "SSIM", "own DR, not another's")
    return table(header, rows)


def report_editing(study: EditingStudy) -> str:
    rows = [
        [result.edit, result.setting, f"{result.change:.2f}", f"{result.psnr:.2f}"]
        for result in study.results
    ]
    return table(("edit", "setting", "mean change of 255", "PSNR"), rows)


def report_flicker(study: FlickerStudy) -> str:
    rows = [
        ["flicker of the input", f"{study.flicker_of_input:.2f}"],
        ["flicker, restored without smoothing", f"{study.flicker_without:.2f}"],
        [f"flicker, restored with smoothing {study.smoothing:g}", f"{study.flicker_with:.2f}"],
        ["how many times less", f"{study.reduction:.1f}"],
        ["fine detail that smoothing keeps", f"{study.texture_kept:.1%}"],
        ["ghost beside what passes, of its contrast", f"{study.ghost:.1%}"],
    ]
    return table((f"{study.frames} frames", "differences of 0..255"), rows)


def report_curves(curves: Sequence[Curve]) -> str:
    rows = [
        [
            curve.name,
            f"{curve.values[0]:.4g} (step {curve.steps[0]:,})",
            f"{curve.values[-1]:.4g} (step {curve.steps[-1]:,})",
            f"{min(curve.values):.4g} to {max(curve.values):.4g}",
        ]
        for curve in curves
    ]
    return table(("figure", "first", "last", "range"), rows)


def report_calibration(calibration: Calibration) -> str:
    """The figures at each fidelity, and where the levels lie at both ends."""

    def row(name: str, *figures: Figures) -> list[str]:
        values = [value for one in figures for value in (one.texture, one.identity)]
        return [name, *(f"{value:.3f}" for value in values)]

    rows = [[*row("(degraded)", calibration.before), "0.000", "1.000"]]
    rows += [row(f"{at:g}", knot.degraded, knot.clean) for at, knot in calibration.knots]
    header = ("fidelity", "texture", "identity", "texture, clean faces", "identity, clean faces")
    ends = [
        f"At {fidelity:g}: {', '.join(f'{place:.2f}' for place in calibration.curve.at(fidelity))}"
        for fidelity in (0, 1)
    ]
    places = (
        "Places of the levels, coarse first (0: GAN prior, 0.5: the network's choice, 1: image)"
    )
    return "\n".join([table(header, rows), "", f"{places}:", *ends])


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
