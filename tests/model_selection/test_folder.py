"""Temporary folders: gone at the end, and those of killed processes at the next start."""

import os
import signal
import subprocess
import sys

import pytest

from skdistill.model_selection._folder import fcntl, owned_folder, sweep

HOLD = """
import sys, time
from skdistill.model_selection._folder import owned_folder
with owned_folder(sys.argv[1]) as folder:
    open(folder + "/kept", "w").close()
    print(folder, flush=True)
    time.sleep(100)
"""


def holder(parent):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, parent], stdout=subprocess.PIPE, text=True
    )
    return process, process.stdout.readline().strip()


def test_a_folder_is_gone_at_the_end_also_after_an_error(tmp_path):
    with owned_folder(tmp_path) as folder:
        assert os.path.basename(folder).startswith("skdistill-owned-")
    with pytest.raises(KeyboardInterrupt), owned_folder(tmp_path):
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(fcntl is None, reason="no locks of files here")
def test_folders_of_killed_processes_are_swept_and_those_of_living_ones_stay(tmp_path):
    living, kept = holder(tmp_path)
    killed, left = holder(tmp_path)
    try:
        assert os.path.isdir(kept)
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        assert os.path.isdir(left)
        with owned_folder(tmp_path) as own:
            assert not os.path.exists(left)
            assert os.listdir(kept) == ["kept"]
            sweep(tmp_path, "skdistill-owned-")
            assert os.path.isdir(own)
    finally:
        living.kill()
        living.communicate()


def test_folders_of_another_name_and_files_are_let_be(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "skdistill-owned-file").touch()
    (tmp_path / "skdistill-owned-link").symlink_to(tmp_path / "other")
    before = sorted(os.listdir(tmp_path))
    with owned_folder(tmp_path):
        pass
    assert sorted(os.listdir(tmp_path)) == before
