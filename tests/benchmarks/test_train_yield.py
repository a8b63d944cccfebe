"""What is trained is what is run: torch's network and numpy's agree, on sounds of every length at once."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.bargein_texts import BACKCHANNELS, COMMANDS, FREE, FRESH, OUT, QUESTIONS, VOICES
from benchmarks.train_yield import Network, prepared, train
from benchmarks.yield_set import Sample, jobs, make, split, voices, wordings
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


synthesisers = pytest.mark.skipif(
    shutil.which("espeak-ng") is None or shutil.which("flite") is None, reason="needs espeak-ng and flite"
)


@synthesisers
def test_nobody_of_the_held_out_parts_is_learned_from() -> None:
    held_out = {v.name.partition("+")[2] for part in (OUT, FRESH) for v in VOICES[part] if "+" in v.name}
    assert held_out
    assert held_out.isdisjoint(voices())


def test_no_wording_of_the_fresh_part_is_learned_from_and_few_of_the_held_out_one() -> None:
    learned = {text for texts in wordings().values() for text in texts}
    parts = [
        {text for kind in (BACKCHANNELS, COMMANDS, QUESTIONS, FREE) for text in kind[part].split("|")}
        for part in (OUT, FRESH)
    ]
    everybody = {"uh huh", "mm hmm", "yeah", "okay", "right", "sure", "stop", "no", "hold on"}
    assert parts[0] & learned <= everybody
    assert parts[1].isdisjoint(learned | parts[0])


def test_nothing_is_learned_as_both() -> None:
    learned = wordings()
    assert set(learned["listening"]).isdisjoint(learned["request"])


@synthesisers
def test_the_same_seed_gives_the_same_weights() -> None:
    def weights(seed: int) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float16]]]:
        every = jobs(seed)
        samples = [*make(every[0])[::2], *make(every[-1])[::2]]
        assert {sample.label for sample in samples} == {"request", "listening", "noise"}
        (network,) = train(prepared(samples), np.arange(len(samples)), epochs=1, seed=seed)
        return network.weights()

    first, again, other = weights(5), weights(5), weights(6)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not all(np.array_equal(first[name], other[name]) for name in first)
