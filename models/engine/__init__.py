"""The engine: streams in front, backends in processes of their own behind."""

from models.engine.engine import Engine
from models.engine.hosts import Assignment, Hosts, runtime_directory

__all__ = ["Assignment", "Engine", "Hosts", "runtime_directory"]
