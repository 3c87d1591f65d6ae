"""The folder of one mode: whose it is, who may read it, who is in it."""

from __future__ import annotations

import os
import stat

import pytest

from ml4t.live.clock import SystemClock
from ml4t.live.errors import StateLocked
from ml4t.live.journal import Journal, StateDir

HOLDER = """
import sys
from pathlib import Path
from ml4t.live.journal import StateDir
lock = StateDir(Path(sys.argv[1]), "live").lock()
if len(sys.argv) > 2:
    import os, time
    if os.fork() == 0:
        os.close(1)
        time.sleep(60)
print("held", flush=True)
sys.stdin.readline()
"""


def rights(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o777])
def umask(request):
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_only_the_owner_may_look_whatever_the_umask(tmp_path):
    folder = StateDir(tmp_path, "shadow").create()
    folder.touch(folder.log)
    with folder.lock(), Journal(folder.journal, SystemClock()) as journal:
        journal.append("x", "s", 1)
        journal.flush()
        assert rights(folder.path) == 0o700
        names = {entry.name for entry in folder.path.iterdir()}
        assert names == {"lock", "live.log", "journal.sqlite3", "journal.sqlite3-wal", "journal.sqlite3-shm"}
        assert {rights(entry) for entry in folder.path.iterdir()} == {0o600}


def test_what_is_too_open_is_tightened(tmp_path):
    folder = StateDir(tmp_path, "paper")
    folder.path.mkdir(mode=0o755)
    folder.path.chmod(0o755)
    folder.log.write_text("kept")
    folder.log.chmod(0o644)
    folder.create().touch(folder.log)
    assert (rights(folder.path), rights(folder.log), folder.log.read_text()) == (0o700, 0o600, "kept")


def test_modes_are_apart(tmp_path):
    places = {StateDir(tmp_path, mode).journal for mode in ("shadow", "paper", "live")}
    assert len({place.parent for place in places}) == 3
    for mode in ("", "..", "a/b", "Live"):
        with pytest.raises(ValueError, match="mode"):
            StateDir(tmp_path, mode)


def test_a_second_lock_in_the_same_process_is_refused(tmp_path):
    folder = StateDir(tmp_path, "live")
    with folder.lock() as lock:
        with pytest.raises(StateLocked, match=f"process {os.getpid()};"):
            folder.lock()
        with StateDir(tmp_path, "paper").lock():
            pass
        lock.release()
        lock.release()
        folder.lock().release()


def is_free(folder) -> bool:
    try:
        folder.lock().release()
    except StateLocked:
        return False
    return True


@pytest.mark.parametrize("with_child", [False, True])
def test_another_process_is_kept_out_until_the_first_dies(spawn, tmp_path, with_child, until):
    folder = StateDir(tmp_path, "live")
    process = spawn(HOLDER, tmp_path, *["fork"] * with_child)
    assert process.stdout.readline() == "held\n"
    with pytest.raises(StateLocked, match=f"process {process.pid}; stop"):
        folder.lock()
    process.kill()
    process.wait(60)
    until(lambda: is_free(folder))  # at once, but for a child that has not come round to letting go
    with folder.lock():
        assert (folder.path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_new_name_is_synced_with_the_folder_that_holds_it(tmp_path, spawn):
    """Seen from outside the code: which folders a process opens while it makes a state directory and a journal."""
    source = """
import sys
from pathlib import Path
from ml4t.live.clock import SystemClock
from ml4t.live.journal import Journal, StateDir
opened = []
sys.addaudithook(lambda event, values: opened.append(str(values[0])) if event == "open" else None)
folder = StateDir(Path(sys.argv[1]) / "a" / "b", "live").create()
made = opened[:]
opened.clear()
Journal(folder.journal, SystemClock()).open().close()
print(*made, "|", *opened)
"""
    made, opened = spawn(source, tmp_path).communicate(timeout=300)[0].split("|")
    assert {str(tmp_path), str(tmp_path / "a"), str(tmp_path / "a" / "b")} <= set(made.split())
    assert str(tmp_path / "a" / "b" / "live") in opened.split()
