"""Where a study is kept: memory, a journal file or a database.

A full disk, a killed process or a lost machine can cut the last record of a journal short.
Optuna then appends to the half record, and no process can read the journal again. Here the
lock of a journal drops such a record, so that who holds the lock appends to whole lines.
"""

import json
import os
import random
import time

import optuna
from optuna.storages import InMemoryStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

from skdistill._estimators._warnings import warn

_BLOCK = 4096  # bytes; most records are shorter
_BEGINS = b'{"op_code":'  # every journal of Optuna


def open_storage(given):
    """Where a study is kept.

    Parameters
    ----------
    given : str, path, optuna storage or None
        A URL, else the path of a journal file; None: memory.

    Returns
    -------
    optuna storage

    Raises
    ------
    ValueError
        If it cannot be opened or read.
    """
    if given is None:
        return InMemoryStorage()
    if not isinstance(given, str | os.PathLike):
        return given
    is_url = isinstance(given, str) and "://" in given
    try:
        return _open_database(given) if is_url else _open_journal(os.fspath(given))
    except Exception as error:  # each driver has its own
        raise ValueError(
            f"storage={given!r} cannot be opened: {_first_line(error)}; give the path of a "
            "journal file, or a URL such as 'sqlite:///study.db'"
        ) from error


def open_study(storage, study_name, sampler):
    """The study of a name, new unless it is there."""
    return optuna.create_study(
        storage=storage,
        study_name=study_name,
        sampler=sampler,
        direction="maximize",
        load_if_exists=study_name is not None,
    )


class _Journal(JournalFileBackend):
    """A journal whose lines are whole whenever it is written to.

    Parameters
    ----------
    path : str
        Absolute: the lock is a link to it, and the target of a relative link is looked up
        from the folder of the link. Optuna would wait without end for a lock that a killed
        process left there.
    """

    def __init__(self, path):
        self._path = path
        self.lock = _WholeLines(path)
        super().__init__(path, lock_obj=self.lock)

    def append_logs(self, logs):
        """Write records to the disk; all are there when this returns."""
        try:
            super().append_logs(logs)
        except OSError as error:
            raise OSError(
                error.errno,
                f"storage {self._path!r} cannot be written to ({error.strerror}); the trials "
                "that ended before are in it, and the same search goes on from there",
            ) from error


class _WholeLines:
    """The lock of a journal; who takes it, and who gives it back, drops half a record."""

    def __init__(self, path):
        self._path = path
        self._lock = JournalFileSymlinkLock(path)

    def acquire(self):
        """Take the lock."""
        self._lock.acquire()
        try:
            dropped = _drop_half_line(self._path)
        except BaseException:
            self._lock.release()
            raise
        if dropped:
            warn(
                f"the last record of storage {self._path!r} was cut short, by a full disk or "
                f"a killed process: {dropped:,} bytes are dropped, and the trial that they "
                "belong to counts as not finished",
            )
        return True

    def release(self):
        """Give the lock back; a write that failed leaves no half record."""
        try:
            _drop_half_line(self._path)
        finally:
            self._lock.release()


def _drop_half_line(path):
    """Number of bytes dropped after the last line break; the caller holds the lock."""
    with open(path, "rb+") as file:
        size = end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - _BLOCK)
            file.seek(start)
            if (at := file.read(end - start).rfind(b"\n")) >= 0:
                end = start + at + 1
                break
            end = start
        if end < size:
            file.truncate(end)
            os.fsync(file.fileno())
    return size - end


def _open_journal(path):
    if os.path.exists(path):
        _check_is_journal(path)
    journal = _Journal(os.path.abspath(path))
    journal.lock.acquire()  # drops half a record
    journal.lock.release()
    try:
        return JournalStorage(journal)
    except ValueError as error:
        raise ValueError(
            f"line {_first_damaged(path)} of it is damaged; the lines before are whole, so "
            "keep only those, and the search goes on from there"
        ) from error


def _check_is_journal(path):
    """Half a line at the end of any other file must stay."""
    if not os.path.isfile(path):
        raise ValueError("it is there and is no file")
    with open(path, "rb") as file:
        begins = file.read(len(_BEGINS))
    if not _BEGINS.startswith(begins):
        raise ValueError("the file is there and holds something else")


def _first_damaged(path):
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                json.loads(line)
            except ValueError:
                return number
    return number


def _open_database(url, attempts=5):
    """Of processes that make the tables at the same time all but one fail, and try again."""
    # slow to import, and Optuna's own dependency
    from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

    try:
        return RDBStorage(url)
    except (IntegrityError, OperationalError, ProgrammingError):
        if attempts == 1:
            raise
        time.sleep(random.uniform(0.5, 1.5))
    return _open_database(url, attempts - 1)


def _first_line(error):
    return str(error).strip().partition("\n")[0] or type(error).__name__
