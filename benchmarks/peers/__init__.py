"""Ours beside its peers: the same scripted models, the same client, the same run."""

from benchmarks.peers.compare import arguments, plot, run, tables

__all__ = ["arguments", "plot", "run", "tables"]
