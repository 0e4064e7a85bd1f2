"""What an evaluation found: averages, severities, single images; as JSON values and as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class MetricStyle:
    """How a metric is called and compared."""

    title: str
    decimals: int
    ratio: bool  # compared by restored / degraded instead of by restored - degraded
    median_of: str = ""  # the metric of which it is the median over a set of images


METRICS: Mapping[str, MetricStyle] = {
    "psnr": MetricStyle("PSNR", 2, ratio=False),
    "ssim": MetricStyle("SSIM", 3, ratio=False),
    "vgg": MetricStyle("VGG", 3, ratio=True),
    "texture": MetricStyle("texture", 3, ratio=True),
    "fine": MetricStyle("fine", 3, ratio=False),
    "fine_median": MetricStyle("(median)", 3, ratio=False, median_of="fine"),
    "identity": MetricStyle("identity", 3, ratio=False),
    "lpips": MetricStyle("LPIPS", 3, ratio=True),
    "fid": MetricStyle("FID", 1, ratio=True),
}
"""In the order of the tables.

PSNR (dB), SSIM and identity: higher is better; fine energy, a share: best at 1; others: lower.
Shares of fine energy spread over orders of magnitude, so that one noisy face can rule their mean.
"""


@dataclass(frozen=True, slots=True)
class Measurements:
    """The figures of one set of images against the clean ones."""

    per_image: Mapping[str, tuple[float, ...]]  # by metric; in the order of the report's names
    over_set: Mapping[str, float]  # metrics that only a whole set has (FID)

    def of_image(self, index: int) -> dict[str, float]:
        """The figures of one image."""
        return {metric: values[index] for metric, values in self.per_image.items()}

    def averages(self, indices: Sequence[int] | None = None) -> dict[str, float]:
        """The mean of each metric over the images at `indices`, and the medians of METRICS.

        None: over all images, with `over_set`.
        """
        if indices is None:
            count = len(next(iter(self.per_image.values())))
            return {**self.averages(range(count)), **self.over_set}
        chosen = {
            metric: [values[index] for index in indices]
            for metric, values in self.per_image.items()
        }
        means = {metric: sum(values) / len(values) for metric, values in chosen.items()}
        medians = {
            metric: median(chosen[style.median_of])
            for metric, style in METRICS.items()
            if style.median_of in chosen
        }
        return {**means, **medians}


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """Figures of degraded and restored faces against clean ones."""

    names: tuple[str, ...]  # file names without their endings
    severities: tuple[str, ...]  # of each name; empty if none are known
    size: int  # px at which everything was measured
    degraded: Measurements
    restored: Measurements | None
    notes: tuple[str, ...]  # what was not measured or left out, and why

    def to_dict(self) -> dict[str, Any]:
        """JSON values: averages, changes, severities, every image, notes."""
        severities: dict[str, Any] = {
            severity: {"pairs": len(indices), **self._summary(indices)}
            for severity, indices in self._groups().items()
        }
        return {
            "pairs": len(self.names),
            "size": self.size,
            **self._summary(None),
            "by_severity": severities,
            "images": [self._image(index) for index in range(len(self.names))],
            "notes": list(self.notes),
        }

    def to_text(self) -> str:
        """A table for people, with the notes below."""
        metrics = [name for name in METRICS if name in self.degraded.averages()]
        lines = [
            f"{len(self.names)} pairs at {self.size} px",
            _row("", "", [METRICS[metric].title for metric in metrics]),
            *self._rows("all", None, metrics),
        ]
        for severity, indices in self._groups().items():
            lines += self._rows(f"{severity} ({len(indices)})", indices, metrics)
        lines += [f"Note: {note}" for note in self.notes]
        return "\n".join(line.rstrip() for line in lines)

    def _groups(self) -> dict[str, list[int]]:
        """The images of each severity, in the order in which severities first appear."""
        groups: dict[str, list[int]] = {}
        for index, severity in enumerate(self.severities):
            groups.setdefault(severity, []).append(index)
        return groups

    def _summary(self, indices: Sequence[int] | None) -> dict[str, dict[str, float]]:
        return self._compare(lambda figures: figures.averages(indices))

    def _image(self, index: int) -> dict[str, Any]:
        image: dict[str, Any] = {"name": self.names[index]}
        if self.severities:
            image["severity"] = self.severities[index]
        return {**image, **self._compare(lambda figures: figures.of_image(index))}

    def _compare(
        self, take: Callable[[Measurements], dict[str, float]]
    ) -> dict[str, dict[str, float]]:
        """What `take` finds in each kind of faces and, with restored ones, their change."""
        found = {"degraded": take(self.degraded)}
        if self.restored is not None:
            found["restored"] = take(self.restored)
            found["change"] = _changes(found["degraded"], found["restored"])
        return found

    def _rows(self, label: str, indices: Sequence[int] | None, metrics: list[str]) -> list[str]:
        rows: list[str] = []
        for kind, figures in self._summary(indices).items():
            cells = [_cell(metric, figures, change=kind == "change") for metric in metrics]
            rows.append(_row(label, kind, cells))
            label = ""
        return rows


def _changes(degraded: Mapping[str, float], restored: Mapping[str, float]) -> dict[str, float]:
    """Differences, and for distances ratios, named `vgg_ratio`; none to what rounds to 0."""
    changes: dict[str, float] = {}
    for metric, before in degraded.items():
        if not METRICS[metric].ratio:
            changes[metric] = restored[metric] - before
        elif float(figure_text(metric, before)) > 0:
            changes[f"{metric}_ratio"] = restored[metric] / before
    return changes


def figure_text(metric: str, value: float) -> str:
    """A figure with as many decimals as mean something."""
    return f"{value:.{METRICS[metric].decimals}f}"


def _cell(metric: str, figures: Mapping[str, float], *, change: bool) -> str:
    style = METRICS[metric]
    value = figures.get(f"{metric}_ratio" if change and style.ratio else metric)
    if value is None:
        return "-"
    if change and style.ratio:
        return f"x{value:.3f}"
    return f"{value:+.{style.decimals}f}" if change else figure_text(metric, value)


def _row(label: str, kind: str, cells: Sequence[str]) -> str:
    return f"{label:<16}{kind:<10}" + "".join(f"{cell:>10}" for cell in cells)
