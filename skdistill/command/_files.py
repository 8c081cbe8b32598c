"""What a run leaves in a folder: the student, the leaderboard, a report and its model card."""

import json
import os
import pickle
import sys
from pathlib import Path
from zipfile import ZIP_DEFLATED

import numpy as np

from skdistill.model_selection._folder import owned_folder
from skdistill.report import aligned

STUDENT, PICKLE, LEADERBOARD = "student.skops", "student.pickle", "leaderboard.csv"
REPORT, CARD = "report.html", "model_card.json"
FILES = (STUDENT, PICKLE, LEADERBOARD, REPORT, CARD)
WRITING = ".writing-"  # folders of files that are not finished begin so

_SHOWN = 10  # rows of the leaderboard that are printed


def write(auto, out, *, pickled, given, written):
    """Write what an exploration found, and print the best of it.

    Each file is there whole or not at all. Those of an earlier run are removed when the
    first new one is ready, so that no two runs mix.

    Parameters
    ----------
    auto : AutoDistiller
        With a leaderboard; without a chosen student that is all that is written.
    out : Path
    pickled : bool
        Whether the student is pickled too.
    given : dict
        Rows for the report, as `write_report` takes them.
    written : list of str
        Names of the files that are there, which grows. A call that was interrupted goes on
        when it is made again.
    """
    if not written:
        _say(*_best_rows(auto), "")
        _keep(out, written, lambda folder: _write_leaderboard(auto, folder))
    if not hasattr(auto, "best_estimator_"):
        return
    if not {STUDENT, PICKLE} & set(written):
        _keep(out, written, lambda folder: _write_student(auto, folder, pickled))
    if REPORT not in written:
        _keep(out, written, lambda folder: _write_report(auto, folder, given))
    _say("", json.loads((out / CARD).read_text())["decision"]["headline"])
    if STUDENT in written:
        _say(_how_to_load(out / STUDENT))


def _keep(out, written, write_to):
    """Move what is written to a folder to `out`."""
    with owned_folder(out, WRITING) as folder:
        write_to(Path(folder))
        if not written:
            for stale in FILES:
                (out / stale).unlink(missing_ok=True)
        for name in sorted(os.listdir(folder)):
            os.replace(Path(folder, name), out / name)
            written.append(name)
            _say(f"wrote {out / name}")


def _say(*lines):
    """Print lines; a reader that has gone, such as ``head``, must not end the writing."""
    try:
        print(*lines, sep="\n", flush=True)
    except BrokenPipeError:  # from here on it goes nowhere, also when Python ends
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _write_leaderboard(auto, folder):
    import pandas as pd

    table = pd.DataFrame(auto.leaderboard_)
    table["params"] = [json.dumps(params, default=str) for params in table["params"]]
    table.to_csv(folder / LEADERBOARD, index=False)


def _write_student(auto, folder, pickled):
    from skops.io import dump

    if pickled:
        (folder / PICKLE).write_bytes(pickle.dumps(auto.best_student_))
    try:
        dump(auto.best_student_, folder / STUDENT, compression=ZIP_DEFLATED)
    except TypeError as error:
        (folder / STUDENT).unlink(missing_ok=True)
        print(f"error: skops cannot write the student: {error}; --pickle can", file=sys.stderr)


def _write_report(auto, folder, given):
    from skdistill.report import write_report

    write_report(auto, folder / REPORT, **given)


def _best_rows(auto):
    """Lines with the best rows of the leaderboard, and the chosen one."""
    board = auto.leaderboard_
    metric = "log_loss" if auto.metric_ == "neg_log_loss" else auto.metric_
    shown = [row for row, chosen in enumerate(board["chosen"]) if chosen or row < _SHOWN]
    heading = ["* chosen", f"{metric}, 95 % interval", "bytes", "us a row"]
    return aligned([heading, *(_cells(board, row, metric) for row in shown)])


def _cells(board, row, metric):
    quality = [board[metric + end][row] for end in ("", "_low", "_high")]
    costs = [board[column][row] for column in ("bytes", "latency_us")]
    return [
        ("* " if board["chosen"][row] else "  ") + board["name"][row],
        board["error"][row].partition(":")[0] or "{:.4f} [{:.4f}, {:.4f}]".format(*quality),
        *("" if np.isnan(cost) else f"{cost:,.0f}" for cost in costs),
    ]


def _how_to_load(path):
    from skops.io import get_untrusted_types

    trusted = get_untrusted_types(file=path)
    return f"\nimport skops.io\nstudent = skops.io.load({str(path)!r}, {trusted=})"
