"""The metrics of several workers as those of one server.

What a worker's counters were when it last told them is kept in a file: they go on counting in the server's
sum when the worker has died. A counter that drops looks to Prometheus like a restart from nothing; it would
count the rest of the sum once more.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

CREATED = "_created"
RETIRED = "retired.prom"


def merge(texts: Iterable[str], *, only_counts: bool = False) -> str:
    """Add up Prometheus texts, sample by sample; of the times of creation the earliest counts.

    `only_counts` leaves gauges out: what a process that has ended has counted stays true, what it held does
    not. Raises `ValueError` on a text that is none.
    """
    families: dict[str, Metric] = {}
    sums: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
    for text in texts:
        for family in text_string_to_metric_families(text):
            created = family.name.endswith(CREATED)
            if only_counts and family.type == "gauge" and not created:
                continue
            families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            samples = sums.setdefault(family.name, {})
            for sample in family.samples:
                key = (sample.name, tuple(sample.labels.items()))
                if key not in samples:
                    samples[key] = sample.value
                elif created:
                    samples[key] = min(samples[key], sample.value)
                else:
                    samples[key] += sample.value
    for name, family in families.items():
        for (sample_name, labels), value in sums[name].items():
            family.add_sample(sample_name, dict(labels), value)
    return expose(families.values())


def expose(families: Iterable[Metric]) -> str:
    """The Prometheus text of these families."""
    registry = CollectorRegistry()
    registry.register(_Fixed(families))
    return generate_latest(registry).decode()


def tell(directory: Path, worker: int, text: str) -> None:
    """Keep what a worker is about to tell."""
    _replace(directory / f"worker-{worker}.prom", text)


def retire(directory: Path, worker: int) -> None:
    """The worker has ended: add the counts it last told to those of the others that have."""
    told = directory / f"worker-{worker}.prom"
    if told.exists():
        _replace(directory / RETIRED, merge([told.read_text(), retired(directory)], only_counts=True))
        told.unlink()


def retired(directory: Path) -> str:
    """The counts of workers that have ended."""
    path = directory / RETIRED
    return path.read_text() if path.exists() else ""


def _replace(path: Path, text: str) -> None:
    """Write a file so that who reads it, even after we were killed, finds the old or the new text whole."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


class _Fixed(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families
