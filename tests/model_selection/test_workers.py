"""Worker processes end with the process that they work for."""

import os
import signal
import subprocess
import sys
import time

import pytest
from sklearn.linear_model import LogisticRegression

SCRIPT = """
import os, sys, time
from sklearn.datasets import load_iris
from tests.model_selection.test_workers import Slow
from skdistill import DistillationSearchCV

X, y = load_iris(return_X_y=True)
DistillationSearchCV(Slow(sys.argv[1]), {"C": [1.0]}, cv=4, n_jobs=2).fit(X, y)
"""


class Slow(LogisticRegression):
    """Says who fits it, and takes long."""

    def __init__(self, folder=None, C=1.0):
        super().__init__(C=C)
        self.folder = folder

    def fit(self, X, y):
        open(os.path.join(self.folder, str(os.getpid())), "w").close()
        time.sleep(1000)


def lives(pid):
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no table of processes")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_workers_do_not_outlive_a_killed_search(number, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    until = time.monotonic() + 60
    while len(workers := os.listdir(tmp_path)) < 2 and time.monotonic() < until:
        time.sleep(0.1)
    assert all(map(lives, workers))
    process.send_signal(number)
    process.wait()
    while any(map(lives, workers)) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(map(lives, workers))
