"""Worker processes that end with the process that they work for.

A killed process cannot end its workers, and joblib lets idle ones live for minutes, each with
all that it has imported.
"""

import os
import threading
import time
from contextlib import nullcontext

from joblib import effective_n_jobs, parallel_config
from joblib.parallel import get_active_backend

_EVERY = 1.0  # seconds between two looks


def one_thread_inside(n_jobs):
    """Processes of joblib's own backend with one thread each; another backend as it is.

    Parameters
    ----------
    n_jobs : int or None

    Returns
    -------
    context manager
    """
    backend, _ = get_active_backend()
    if effective_n_jobs(n_jobs) == 1 or type(backend).__name__ != "LokyBackend":
        return nullcontext()
    return parallel_config(
        "loky",
        inner_max_num_threads=1,
        initializer=end_with_parent,
        initargs=(os.getpid(),),
    )


def end_with_parent(parent):
    """Let this process end when the one that has started it is gone.

    Parameters
    ----------
    parent : int
        Its number: it may be gone before this process can ask for it.
    """
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent):
    while os.getppid() == parent:
        time.sleep(_EVERY)
    os._exit(1)
