"""Artefacts as files: kept on disk within a quota and a time, played again and downloaded from there."""
