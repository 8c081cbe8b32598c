"""The options of ``python -m skdistill auto``."""

import argparse
from pathlib import Path

AUTO = ("tree", "logistic", "boosting", "network")


def parser():
    """Options by group, with their help.

    Returns
    -------
    argparse.ArgumentParser
    """
    made = argparse.ArgumentParser(
        prog="python -m skdistill auto",
        description="Explore small students for a table, distilled and plain, and write the "
        "one to ship, with a report. Rows held out by class, group or time measure it.",
    )
    made.add_argument("data", help="a .csv or .parquet file; its columns have names")
    for title, options in _OPTIONS.items():
        group = made.add_argument_group(title)
        for name, how in options.items():
            group.add_argument(name, **how)
    return made


def _above_zero(kind):
    def number(text):
        if (value := kind(text)) > 0:
            return value
        raise argparse.ArgumentTypeError(f"{text} is not above 0")

    return {"type": number, "metavar": "NUMBER"}


def _seed(text):
    if 0 <= (value := int(text)) < 2**32:
        return value
    raise argparse.ArgumentTypeError(f"{text} is not in [0, 2**32)")


def _folder(text):
    if text:
        return Path(text)
    raise argparse.ArgumentTypeError("it is empty; give a folder")


_COLUMN = {"metavar": "COLUMN"}
_SEVERAL = {"nargs": "+", "default": []}
_NEEDED = {"required": True}
_FLAG = {"action": "store_true"}

_OPTIONS = {
    "required": {
        "--target": {**_COLUMN, **_NEEDED, "help": "the column that is predicted: classes"},
        "--out": {
            **_NEEDED,
            "type": _folder,
            "metavar": "DIR",
            "help": "the folder to write to",
        },
    },
    "columns that are no features": {
        "--group": {**_COLUMN, "help": "rows of a group are held out together"},
        "--time-column": {
            **_COLUMN,
            "help": "the last quarter by it is held out: numbers, or dates as 2024-01-31",
        },
        "--weight": {**_COLUMN, "help": "weights the fits and the held-out metrics"},
        "--drop": {**_COLUMN, **_SEVERAL, "help": "not used"},
    },
    "teacher, by default a strong one fitted here": {
        "--teacher": {"metavar": "FILE", "help": "fitted, in a .skops file; taken as it is"},
        "--trust": {**_SEVERAL, "metavar": "TYPE", "help": "types in that file to be loaded"},
        "--teacher-proba": {
            **_COLUMN,
            **_SEVERAL,
            "help": "its probabilities for rows it has not seen: a column for each class, "
            "named as the classes, or in their sorted order",
        },
    },
    "exploration": {
        "--students": {
            **_SEVERAL,
            "metavar": "NAME",
            "help": f"of {', '.join(AUTO)}, or classes such as RandomForestClassifier; "
            f"default: the first {len(AUTO)}",
        },
        "--trials": {
            **_above_zero(int),
            "default": 20,
            "help": "candidates for each student; default: %(default)s",
        },
        "--timeout": {
            **_above_zero(float),
            "help": "seconds of all searches; refits and report follow",
        },
        "--max-latency-us": {
            **_above_zero(float),
            "help": "hard limit: microseconds of one call with one row, preparation included",
        },
        "--max-bytes": {**_above_zero(float), "help": "hard limit: length of the pickle"},
        "--selection": {
            "default": "best",
            "help": "best, smallest, one_se or knee, by the scores of the searches, or the "
            "name of a row of the leaderboard; default: %(default)s",
        },
        "--scoring": {
            "metavar": "NAME",
            "default": "neg_log_loss",
            "help": "a scorer of scikit-learn; default: %(default)s",
        },
        "--storage": {
            "metavar": "FILE",
            "help": "keeps the searches, and the same command goes on where it was",
        },
        "--seed": {"type": _seed, "default": 0, "help": "default: %(default)s"},
        "--jobs": {"type": int, "help": "fits in parallel"},
    },
    "what is written": {
        "--overwrite": {**_FLAG, "help": "replaces files of an earlier run"},
        "--pickle": {
            **_FLAG,
            "help": "the student as a pickle too; loading one runs the code in it",
        },
    },
}
