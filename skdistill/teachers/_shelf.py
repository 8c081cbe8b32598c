"""The fitted teacher in a joblib cache, apart from its labels, and whole.

joblib computes a damaged result again when it loads it. A fitted teacher is not loaded as
long as its labels are cached: unpickling a forest takes longer than most students' fits.
So it is looked at from outside.
"""

from pathlib import Path

from joblib.memory import MemorizedResult, NotMemorizedResult

from skdistill._estimators._warnings import warn

_STOP = b"."  # last byte of a pickle
_COMPRESSED = b"\x78\x1fB\xfd]\x04"  # first byte of zlib, gzip, bz2, xz, lzma and lz4


def shelve(memory, function, *args):
    """Call a function by a cache, and return a reference to its result.

    Parameters
    ----------
    memory : joblib.Memory
    function : callable
    *args : object

    Returns
    -------
    MemorizedResult or NotMemorizedResult
        A damaged result was computed again. One that could not be written, as on a full
        disk, is held in memory.
    """
    call = memory.cache(function).call_and_shelve
    result = call(*args)
    if not _is_damaged(result):
        return result
    if _path(result).exists():
        warn(
            f"the fitted teacher in memory={memory.location!r} was damaged: it is fitted "
            "again and replaced"
        )
        result.clear()
        result = call(*args)
    return NotMemorizedResult(function(*args)) if _is_damaged(result) else result


def _is_damaged(result):
    """Whether its file is absent, empty or cut short."""
    if not isinstance(result, MemorizedResult) or not Path(_location(result)).is_dir():
        return False
    try:
        with _path(result).open("rb") as file:
            first = file.read(1)
            file.seek(-1, 2)
            return file.read(1) != _STOP and first not in _COMPRESSED
    except OSError:
        return True


def _path(result):
    return Path(_location(result), result.func_id, result.args_id, "output.pkl")


def _location(result):
    return result.store_backend.location
