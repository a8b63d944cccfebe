"""Whose directory it is, and what of crashed servers is removed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from realtime.shelf.directory import (
    LOCK,
    MARK,
    PREFIX,
    ServerDirectory,
    UnusableDirectoryError,
    remove_leftovers,
)


def test_it_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    with ServerDirectory(tmp_path) as directory:
        assert directory.path.stat().st_mode & 0o777 == 0o700
        (directory.path / "sess_1").mkdir()
        assert remove_leftovers(tmp_path) == 0
    assert list(tmp_path.iterdir()) == []


def test_workers_share_one_and_the_last_removes_it(tmp_path: Path) -> None:
    first, second = ServerDirectory(tmp_path, "it"), ServerDirectory(tmp_path, "it")
    assert first.path == second.path
    first.close()
    first.close()
    assert second.path.exists()
    assert remove_leftovers(tmp_path) == 0
    second.close()
    assert not second.path.exists()


def test_what_a_killed_server_left_is_removed_at_the_next_start(tmp_path: Path) -> None:
    script = (
        "import os, pathlib, sys; from realtime.shelf.directory import ServerDirectory;"
        "made = ServerDirectory(pathlib.Path(sys.argv[1]));"
        "(made.path / 'sess_1').mkdir(); (made.path / 'sess_1' / 'art_1').write_bytes(b'x'); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    [left] = tmp_path.iterdir()
    with ServerDirectory(tmp_path) as directory:
        assert not left.exists()
        assert list(tmp_path.iterdir()) == [directory.path]


def test_nothing_else_is_removed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / LOCK).write_bytes(MARK)
    parent = tmp_path / "parent"
    parent.mkdir()
    (parent / f"{PREFIX}link").symlink_to(elsewhere)
    (parent / f"{PREFIX}beginning").mkdir()
    (parent / f"{PREFIX}other").mkdir()
    (parent / f"{PREFIX}other" / LOCK).write_text("somebody else's")
    (parent / f"{PREFIX}file").write_text("")
    (parent / "audiogpt").mkdir()
    (parent / "audiogpt" / LOCK).write_bytes(MARK)
    before = sorted(tmp_path.rglob("*"))
    assert remove_leftovers(parent) == 0
    assert sorted(tmp_path.rglob("*")) == before


def test_where_nothing_can_be_kept_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnusableDirectoryError, match=r"artefacts\.directory: cannot keep files in .*file"):
        ServerDirectory(tmp_path / "file")
    (tmp_path / f"{PREFIX}it").symlink_to(tmp_path)
    with pytest.raises(UnusableDirectoryError, match="belongs to somebody else"):
        ServerDirectory(tmp_path, "it")
