"""What is trained is what is run: torch's network and numpy's agree, on sounds of every length at once."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.bargein_texts import FRESH, OUT, VOICES
from benchmarks.train_yield import Network, prepared
from benchmarks.yield_set import Sample, split, voices
from models.api import HEARING_RATE
from realtime.hearing import manner as run


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Network:
    torch.manual_seed(3)
    network = Network().eval()
    stored = {name: value.astype(np.float32) for name, value in network.weights().items()}
    for name, value in stored.items():  # the float16 that is stored, on both sides
        if name in ("w", "b"):
            part = network.out.weight if name == "w" else network.out.bias
            part.data = torch.from_numpy(value)
        else:
            layer = network.layers[int(name[1])]
            if name[0] == "w":
                layer.weight.data = torch.from_numpy(value).permute(2, 1, 0).contiguous()
            else:
                layer.bias.data = torch.from_numpy(value)
    monkeypatch.setattr(run, "_weights", lambda: stored)
    return network


def test_the_trained_network_is_the_one_that_runs(network: Network) -> None:
    rng = np.random.default_rng(1)
    lengths = (400, 3_000, 8_111, 15_999, 24_000, 2 * HEARING_RATE)
    pcms = [rng.normal(0, 2_000, n).astype("<i2").tobytes() for n in lengths]
    data = prepared([Sample(pcm, "request", "a", "b") for pcm in pcms])
    with torch.no_grad():
        expected = network(data.sounds.float(), data.frames).softmax(1).numpy()
    for pcm, (request, listening, noise) in zip(pcms, expected, strict=True):
        heard = run.manner(pcm)
        assert (heard.request, heard.listening, heard.noise) == pytest.approx(
            (request, listening, noise), abs=5e-3
        )


def test_a_speaker_is_learned_from_or_checked_by() -> None:
    who = ["a", "b", "c", "d", "e"] * 3
    spared = split(who)
    assert spared.any()
    assert {w for w, s in zip(who, spared, strict=True) if s}.isdisjoint(
        w for w, s in zip(who, spared, strict=True) if not s
    )


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")
def test_nobody_of_the_held_out_parts_is_learned_from() -> None:
    held_out = {v.name.partition("+")[2] for part in (OUT, FRESH) for v in VOICES[part] if "+" in v.name}
    assert held_out
    assert held_out.isdisjoint(voices())
