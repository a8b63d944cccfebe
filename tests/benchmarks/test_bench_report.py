"""What the benchmarks print and write; `jitter --quick` runs whole, since it is pure."""

import argparse
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import registry
from benchmarks.__main__ import main
from benchmarks.report import Report, Table, cell, machine, render, save

MACHINE = {"cpu", "cores", "load_average", "date", "commit", "python", "system"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (True, "yes"),
        (False, "no"),
        (7, "7"),
        ("ours", "ours"),
        (0.1234, "0.12"),
        (12.34, "12.3"),
        (383.6, "384"),
        (-1e-14, "0.00"),
    ],
)
def test_cells_have_the_precision_they_deserve(value: object, text: str) -> None:
    assert cell(value) == text


def test_a_table_is_readable_text() -> None:
    out = io.StringIO()
    table = Table("Delays", ("link", "p95"), [("clean", 0.5), ("lossy", None)], "a note")
    render([table], Console(file=out, width=60))
    text = out.getvalue()
    assert all(word in text for word in ("Delays", "link", "p95", "clean", "0.50", "lossy", "–", "a note"))


def test_the_machine_is_told() -> None:
    found = machine()
    assert set(found) == MACHINE
    assert found["cores"] >= 1
    json.dumps(found)


def test_a_report_without_a_plot_is_one_json_file(tmp_path: Path) -> None:
    written = save(Report("thing", True, 1.23, {"a": 1}), tmp_path / "new", None)
    assert [path.name for path in written] == ["thing.json"]
    found = json.loads(written[0].read_text())
    assert set(found) == {"benchmark", "quick", "seconds", "machine", "results"}
    assert (found["benchmark"], found["quick"], found["results"]) == ("thing", True, {"a": 1})


@pytest.mark.parametrize("name", sorted(registry.BENCHMARKS))
def test_every_benchmark_that_is_listed_can_be_run(name: str) -> None:
    benchmark = registry.load(name)
    assert callable(benchmark.run)
    if hasattr(benchmark, "arguments"):
        parser = argparse.ArgumentParser()
        benchmark.arguments(parser.add_argument_group(name))
        parser.parse_args([])


def test_a_wrong_name_lists_the_choices(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match=r"no benchmark is called 'speed'; choose one of: .*latency"):
        registry.load("speed")
    with pytest.raises(SystemExit):
        main(["speed"])
    assert "latency" in capsys.readouterr().err


def test_jitter_runs_whole_and_ends_with_one_json_object(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["jitter", "--quick", "--json", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out.splitlines()[-1])
    assert found == json.loads((tmp_path / "jitter.json").read_text())
    assert "Added delay" in printed.err
    results = found["results"]
    assert len(results["links"]) == 13
    assert {row["burst"] for row in results["bursts"]} >= {"one packet lost"}
    assert {path.suffix for path in tmp_path.iterdir()} <= {".json", ".png"}
