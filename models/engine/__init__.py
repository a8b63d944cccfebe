"""The engine: streams in front, backends in processes of their own behind."""

from models.engine.engine import Assignment, Engine

__all__ = ["Assignment", "Engine"]
