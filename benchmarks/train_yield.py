"""Train the network of `realtime/hearing/manner.py`: `python -m benchmarks.train_yield [--out FILE]`.

Makes the sounds of `benchmarks.yield_set` by two processes, learns from seven speakers of eight on one
thread, shows how it does on the eighth, and writes the weights as float16. Nothing is kept between runs.
Needs torch, which comes with silero-vad, flite and espeak-ng. The same seed on the same machine gives the
same weights.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.yield_set import LABELS, Sample, build, split
from realtime.hearing.manner import BANDS, LONGEST_MS, STRIDES, WEIGHTS, features

FRAMES = LONGEST_MS // 10
CHANNELS, WIDTHS = (40, 48, 48, 48), (5, 5, 5, 3)
SHARES = (0.45, 0.35, 0.2)  # of requests, signs of listening and noise in a batch
BATCH = 64


@dataclass(frozen=True, slots=True)
class Set:
    """Features (sounds, FRAMES, BANDS), how many frames are there, and the label's number."""

    sounds: Tensor
    frames: Tensor
    labels: Tensor


class Network(nn.Module):
    """What `manner` computes, for batches: what is past the end of a sound stays 0 in every layer."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (BANDS, *CHANNELS)
        self.layers = nn.ModuleList(
            nn.Conv1d(inputs[i], inputs[i + 1], WIDTHS[i], stride=STRIDES[i], padding=WIDTHS[i] // 2)
            for i in range(len(CHANNELS))
        )
        self.dropout = nn.Dropout(0.25)
        self.out = nn.Linear(2 * CHANNELS[-1], len(LABELS))

    def forward(self, sounds: Tensor, frames: Tensor) -> Tensor:
        """Scores (sounds, labels)."""
        x = sounds.transpose(1, 2)
        for layer, stride in zip(self.layers, STRIDES, strict=True):
            frames = (frames + stride - 1) // stride
            there = (torch.arange((x.shape[2] + stride - 1) // stride)[None] < frames[:, None]).float()
            x = functional.relu(layer(x)) * there[:, None]
        pooled = torch.cat([x.sum(2) / frames[:, None], x.amax(2)], dim=1)
        scores: Tensor = self.out(self.dropout(pooled))
        return scores

    def weights(self) -> dict[str, npt.NDArray[np.float16]]:
        """As `manner.npz` has them."""
        stored: dict[str, Tensor] = {"w": self.out.weight, "b": self.out.bias}
        for number, layer in enumerate(self.layers):
            assert isinstance(layer, nn.Conv1d)
            assert layer.bias is not None
            stored |= {f"w{number}": layer.weight.permute(2, 1, 0), f"b{number}": layer.bias}
        return {name: value.detach().numpy().astype(np.float16) for name, value in stored.items()}


def prepared(samples: Sequence[Sample]) -> Set:
    """The features of all."""
    sounds = np.zeros((len(samples), FRAMES, BANDS), np.float16)
    frames = np.zeros(len(samples), np.int64)
    for i, sample in enumerate(samples):
        found = features(sample.pcm)[:FRAMES]
        sounds[i, : len(found)], frames[i] = found, len(found)
    labels = np.array([LABELS.index(sample.label) for sample in samples])
    return Set(torch.from_numpy(sounds), torch.from_numpy(frames), torch.from_numpy(labels))


def varied(sounds: Tensor, frames: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Other microphones, other beginnings, more noise, a band missing, somebody else in the background."""
    count = len(sounds)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=random)

    def below(limit: int) -> int:
        return int(torch.randint(0, limit, (1,), generator=random))

    slope = normal(count, 1, 1) * 0.08 * torch.linspace(-1, 1, BANDS)
    wave = torch.cumsum(normal(count, 1, BANDS) * 0.03, 2)
    changed = (sounds + slope + wave - wave.mean(2, keepdim=True) + normal(*sounds.shape) * 0.03).clamp(min=0)
    sounds = torch.where(sounds > 0, changed, sounds)
    frames = frames.clone()
    quieter = 0.45 + 0.8 * torch.rand((count, 1, 1), generator=random)  # 10 to 27 dB: what is left of an echo
    there = torch.arange(FRAMES)[None, :, None] < frames[:, None, None]
    mixed = torch.maximum(sounds, (sounds.roll(1, 0) - quieter).clamp(min=0)) * there
    sounds = torch.where(torch.rand((count, 1, 1), generator=random) < 0.3, mixed, sounds)
    for i in range(count):
        shift = below(13) - 5  # frames later, when the first are lost, or earlier
        if shift > 0 and frames[i] > 40:
            sounds[i] = functional.pad(sounds[i, shift:], (0, 0, 0, shift))
            frames[i] -= shift
        elif shift < 0:
            sounds[i] = functional.pad(sounds[i, :shift], (0, 0, -shift, 0))
            frames[i] = min(FRAMES, int(frames[i]) - shift)
        if below(10) < 4:
            band = below(BANDS - 4)
            sounds[i, :, band : band + 1 + below(4)] = 0
        if below(10) < 3:
            floor = 0.006 * below(100)
            sounds[i, : frames[i]] = sounds[i, : frames[i]].clamp(min=floor)
    return sounds, frames


def train(data: Set, chosen: npt.NDArray[np.int64], *, epochs: int, seed: int) -> Iterator[Network]:
    """The network after every epoch, from the sounds `chosen`."""
    torch.manual_seed(seed)
    network = Network()
    random, draw = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    labels = data.labels.numpy()[chosen]
    share = np.array(SHARES) / np.bincount(labels, minlength=len(LABELS))
    weight = share[labels] / share[labels].sum()
    steps = len(chosen) // BATCH
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps * epochs)
    for _ in range(epochs):
        network.train()
        for batch in draw.choice(chosen, steps * BATCH, p=weight).reshape(-1, BATCH):
            scores = network(*varied(data.sounds[batch].float(), data.frames[batch], random))
            loss = functional.cross_entropy(scores, data.labels[batch], label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
        yield network.eval()


def confusion(network: Network, data: Set, chosen: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Counts: rows are what it is, columns what it is taken for."""
    counts = np.zeros((len(LABELS), len(LABELS)), np.int64)
    with torch.no_grad():
        for batch in np.array_split(chosen, len(chosen) // 256 + 1):
            taken = network(data.sounds[batch].float(), data.frames[batch]).argmax(1)
            np.add.at(counts, (data.labels[batch].numpy(), taken.numpy()), 1)
    return counts


def main(samples: Sequence[Sample] | None = None) -> None:
    """Make, train, show, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--epochs", type=int, default=18)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    samples = samples or list(build(options.seed))
    spared = split([sample.who for sample in samples])
    data = prepared(samples)
    print(f"{len(samples)} utterances, {spared.sum()} of them to check by")
    for epoch, network in enumerate(
        train(data, np.flatnonzero(~spared), epochs=options.epochs, seed=options.seed)
    ):
        if epoch % 4 == 3 or epoch == options.epochs - 1:
            counts = confusion(network, data, np.flatnonzero(spared))
            print(f"{epoch + 1}: {counts.trace() / counts.sum():.1%} right", counts.tolist(), flush=True)
    np.savez(options.out, allow_pickle=False, **network.weights())


if __name__ == "__main__":
    main()
