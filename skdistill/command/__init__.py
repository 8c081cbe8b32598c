"""``python -m skdistill auto``: from a table on disk to a student on disk.

The options are parsed, the table is read and checked, `AutoDistiller` explores, and what
it found is written. What the user can mend is refused before the exploration begins; what
an interrupt or a limit leaves of an exploration is written.
"""

import logging
import sys
import tempfile
from collections import Counter
from contextlib import contextmanager, suppress
from functools import partial
from importlib.util import find_spec

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.pipeline import Pipeline

from skdistill.auto._defaults import auto_students
from skdistill.auto._distiller import AutoDistiller
from skdistill.command._files import FILES, PICKLE, STUDENT, WRITING, write
from skdistill.command._options import AUTO, parser
from skdistill.command._refused import Refused, check_known, listed
from skdistill.command._signals import ended_as_interrupted
from skdistill.command._table import read
from skdistill.command._teacher import load_teacher
from skdistill.model_selection._folder import owned_folder
from skdistill.model_selection._storage import open_storage
from skdistill.model_selection._study import quiet
from skdistill.students import available

__all__ = ["main"]

NO_STUDENT, REFUSED, INTERRUPTED = 1, 2, 130  # exit codes
RULES = ("best", "smallest", "one_se", "knee")
_NEEDED = ("pandas", "pyarrow", "skops", "jinja2", "matplotlib")


def main(arguments=None):
    """Explore students for a table and write what was found.

    Parameters
    ----------
    arguments : list of str, default=None
        Of the command line; None: those of this process.

    Returns
    -------
    int
        Exit code: 0; 1 if there is no student to write; 2 for what the user can mend; 130
        if interrupted, by Ctrl-C, SIGTERM or SIGHUP.
    """
    options = parser().parse_args(arguments)
    logging.basicConfig(format="warning: %(message)s")
    for stream in (sys.stdout, sys.stderr):  # names that it cannot show must not end a run
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        with ended_as_interrupted():
            return _run(options)
    except Refused as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


def _run(options):
    _check(options)
    rows = read(options)
    _check_scoring(options.scoring, rows.y)
    teacher, rows = load_teacher(options, rows)
    auto = AutoDistiller(
        teacher,
        _students(options.students, rows.X),
        n_trials=options.trials,
        timeout=options.timeout,
        scoring=options.scoring,
        cv=rows.cv,
        max_bytes=options.max_bytes,
        max_latency_us=options.max_latency_us,
        selection=_selection(options.selection),
        n_jobs=options.jobs,
        storage=options.storage,
        random_state=options.seed,
        verbose=1,
    )
    _check_selection(options.selection, auto.students)
    made = _make(options.out)
    try:
        _check_storage(options.storage)
        with owned_folder() as folder, _temporary_files_in(folder):
            return _explore_and_write(auto, rows, options)
    finally:
        if made:
            with suppress(OSError):  # something was written
                options.out.rmdir()


def _explore_and_write(auto, rows, options):
    """Exit code; the first interrupt, whenever it comes, leaves what is finished."""
    written = []
    # a report with rows fits students again: not for somebody who has just interrupted
    given = {"X": rows.X, "y": rows.y, **rows.fit_params}
    try:
        code = _explore(auto, rows)
        return _finish(auto, options, code, given, written)
    except KeyboardInterrupt:
        done = "writing what is finished; once more stops that too"
        none = "no student is finished, and nothing is written"
        rest = done if hasattr(auto, "leaderboard_") else none
        print(f"interrupted: {rest}", file=sys.stderr)
    return _finish(auto, options, INTERRUPTED, {}, written)


def _finish(auto, options, code, given, written):
    """Write what was found, if anything was; the exit code."""
    if not hasattr(auto, "leaderboard_"):
        return code
    if options.time_column:
        auto.provenance_["held_out"] = f"the last quarter by {options.time_column}"
    try:
        write(auto, options.out, pickled=options.pickle, given=given, written=written)
    except OSError as error:
        print(f"error: --out {options.out} cannot be written to: {error}", file=sys.stderr)
        return code or NO_STUDENT
    return code or (0 if {STUDENT, PICKLE} & set(written) else NO_STUDENT)


@contextmanager
def _temporary_files_in(folder):
    before, tempfile.tempdir = tempfile.tempdir, folder
    try:
        yield
    finally:
        tempfile.tempdir = before


def _check(options):
    """Refuse whatever needs no look into the table."""
    if absent := [name for name in _NEEDED if find_spec(name) is None]:
        raise Refused(f"{', '.join(absent)} cannot be imported: pip install 'skdistill[auto]'")
    if options.teacher and options.teacher_proba:
        raise Refused("--teacher and --teacher-proba are two teachers; give one of them")
    if options.trust and not options.teacher:
        raise Refused("--trust names types in the file of --teacher; give that file too")
    if options.jobs == 0:
        raise Refused("--jobs 0 fits nothing; give a number of processes, or -1 for all cores")
    if set(options.students) - set(AUTO):  # to know the others imports many packages
        classes = [name for name in available() if name != "Pipeline"]
        check_known("--students", options.students, [*AUTO, *classes], "a student")
    check_known("--scoring", [options.scoring], get_scorer_names(), "a scorer")
    if twice := [name for name, n in Counter(options.students).items() if n > 1]:
        raise Refused(f"--students names {listed(twice)} twice; name each student once")
    _check_out(options.out, options.overwrite)


def _check_out(out, overwrite):
    """Refuse a folder that holds files of an earlier run, or what cannot be replaced."""
    try:
        there = [name for name in FILES if (out / name).exists()]
        folders = [name for name in there if (out / name).is_dir()]
    except (OSError, ValueError) as error:
        raise Refused(f"--out {out} is no folder: {error}") from error
    if folders:
        raise Refused(f"--out {out} holds folders called {listed(folders)}; rename them")
    if there and not overwrite:
        raise Refused(
            f"--out {out} holds {', '.join(there)} of an earlier run; give another folder, or "
            "--overwrite"
        )


def _check_scoring(name, y):
    """Refuse a scorer that cannot score these classes, as f1 cannot score text."""
    X, guess = np.zeros((len(y), 1)), DummyClassifier(strategy="stratified", random_state=0)
    try:
        get_scorer(name)(guess.fit(X, y), X, y)
    except (ValueError, TypeError) as error:
        raise Refused(
            f"--scoring {name} cannot score this target: {error}; f1_macro and roc_auc_ovr, "
            "for example, take classes of any name and number"
        ) from error


def _check_selection(name, students):
    """Refuse a name that no row of the leaderboard will have."""
    names = AUTO if students == "auto" else [student for student, _ in students]
    rows = [row for student in names for row in (student, f"{student}, plain")]
    check_known("--selection", [name], [*RULES, *rows], "a rule or the name of a row")


def _check_storage(storage):
    """Refuse what searches cannot be kept in, such as the table."""
    try:
        with quiet():
            open_storage(storage)
    except ValueError as error:
        raise Refused(f"--storage cannot keep the searches: {error}") from error


def _make(out):
    """Make the folder, and know that files can be written to it; whether it is new."""
    made = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        with owned_folder(out, WRITING):
            return made
    except (OSError, ValueError) as error:
        raise Refused(f"--out {out} cannot be written to: {error}") from error


def _students(names, X):
    """Those of "auto" by name, and registered classes with the same preparation of X."""
    if not names:
        return "auto"
    ready = dict(auto_students(X))
    preparation = ready["logistic"].steps[:-1]
    for name in set(names) - set(ready):
        ready[name] = Pipeline([*preparation, (name, available()[name]())])
    return [(name, ready[name]) for name in names]


def _selection(name):
    """A rule of `AutoDistiller`, or the choice of the row of this name."""
    return name if name in RULES else partial(_row_named, name)


def _row_named(name, board):
    found = np.flatnonzero(board["name"] == name)
    if not found.size:
        there = board["name"].tolist()
        raise ValueError(f"--selection {name!r} is no row within the limits, only {there}")
    return found[0]


def _explore(auto, rows):
    """Exit code; where there is something to write, there is a leaderboard."""
    try:
        auto.fit(rows.X, rows.y, **rows.fit_params)
    except (ValueError, OSError) as error:
        print(f"error: {error}", *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
        return NO_STUDENT
    return 0
