"""Temporary folders that a killed process does not leave for ever.

A process holds a lock on its folder. The system frees the lock when the process dies, however
it dies, so a folder that can be locked has no owner any more, and the next one removes it.
Locks know no difference between containers, as process numbers would.
"""

import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: nothing is swept there
    fcntl = None


@contextmanager
def owned_folder(parent=None, prefix="skdistill-owned-"):
    """A new folder, removed at the end; those of killed processes are removed before.

    Parameters
    ----------
    parent : path, default=None
        None: where the system has its temporary folders.
    prefix : str, default="skdistill-owned-"
        Every folder in `parent` whose name begins so must be made here.

    Yields
    ------
    str
        Its path.
    """
    parent = tempfile.gettempdir() if parent is None else parent
    sweep(parent, prefix)
    made = Path(tempfile.mkdtemp(prefix=".new-", dir=parent))
    lock = _locked(made)
    try:
        # it gets its name when it is locked, so that nobody sweeps it before
        made = made.rename(made.with_name(prefix + made.name.removeprefix(".new-")))
        yield str(made)
    finally:
        shutil.rmtree(made, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def sweep(parent, prefix):
    """Remove the folders of this prefix whose owner is dead.

    Parameters
    ----------
    parent : path
    prefix : str
    """
    for folder in Path(parent).glob(f"{prefix}*"):
        with suppress(OSError):  # somebody else's, or in use
            if (lock := _locked(folder)) is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _locked(folder):
    """A descriptor that holds the lock; None where there are no locks."""
    if fcntl is None:
        return None
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
