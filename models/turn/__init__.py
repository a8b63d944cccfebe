"""Backends that judge whether a speaker has finished."""
