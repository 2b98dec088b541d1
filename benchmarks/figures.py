from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """A median beside the median of its baseline, both in seconds of the same run."""

    name: str
    seconds: float
    baseline: str
    baseline_seconds: float
    target: str
    met: bool
    spread: tuple[float, float]
    """The fastest and the slowest of the runs."""
    runs: int

    @property
    def ratio(self) -> float:
        return self.seconds / self.baseline_seconds

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"ratio": round(self.ratio, 3)}

    def to_text(self) -> str:
        low, high = self.spread
        figure = f"{self.name:<22} {self.seconds:>8.3f}s  ({low:.3f} to {high:.3f}, {self.runs} runs)"
        baseline = f"{self.ratio:>6.2f} x {self.baseline_seconds:.3f}s {self.baseline}"
        return f"{figure}   {baseline}\n{'':<22} target {self.target}: {'met' if self.met else 'MISSED'}"


def timed(act: Callable[[], object], runs: int) -> list[float]:
    """Seconds of each of some runs of the same act, the first, which warms caches, left out."""
    act()
    found = []
    for _ in range(runs):
        began = time.perf_counter()
        act()
        found.append(time.perf_counter() - began)
    return found


def figure(
    name: str,
    seconds: list[float],
    baseline: tuple[str, list[float]],
    *,
    most: float | None = None,
    ratio: float | None = None,
) -> Figure:
    """Compare medians. ``most`` is the target in seconds, ``ratio`` as a multiple of the baseline."""
    ours, theirs = statistics.median(seconds), statistics.median(baseline[1])
    targets = [f"≤ {most:g}s"] if most is not None else []
    targets += [f"≤ {ratio:g} x"] if ratio is not None else []
    met = (most is None or ours <= most) and (ratio is None or ours <= ratio * theirs)
    return Figure(
        name, ours, baseline[0], theirs, " and ".join(targets), met, (min(seconds), max(seconds)), len(seconds)
    )
