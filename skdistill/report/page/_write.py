"""`write_report`: one page to decide by, and a model card of the same facts.

A source, a fitted `AutoDistiller` or a `DistillationReport`, becomes a `Case`; each of the
eight sections makes plain facts of the case; page and card are made of these facts.
Both are complete before either is written.
"""

import json
import math
import os
import warnings
from functools import cache
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from sklearn import config_context
from sklearn.utils.validation import check_is_fitted

from skdistill._typing import Rows
from skdistill.auto._distiller import AutoDistiller
from skdistill.auto._leaderboard import visible
from skdistill.model_selection._folder import owned_folder
from skdistill.report._mapping import DistillationReport
from skdistill.report.page import _words
from skdistill.report.page._anatomy import anatomy
from skdistill.report.page._decision import decision
from skdistill.report.page._decisions import decisions
from skdistill.report.page._figures import figures
from skdistill.report.page._from_auto import case_of_auto
from skdistill.report.page._from_report import case_of_report
from skdistill.report.page._refits import Refits, ablation, stability
from skdistill.report.page._reproduction import reproduction
from skdistill.report.page._trust import trust

_CARD = "model_card.json"
_FILTERS = ("number", "signed", "percent", "count", "size", "microseconds")


def write_report(
    auto_or_report: AutoDistiller | DistillationReport,
    path: str | PathLike[str],
    X: Rows = None,
    y: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    teacher_proba: ArrayLike | None = None,
    verbose: int | None = None,
) -> Path:
    """Write what decides whether a student ships: a page, and ``model_card.json`` beside it.

    Eight sections: what to ship and what distilling gains; the front and the leaderboard;
    whether to trust it; right and wrong decisions; the model itself; five refits; an ablation
    of how it was distilled; how to make it again. The page fetches nothing. Bidirectional
    control characters, by which a name can pretend to be another, are shown as escapes.

    Parameters
    ----------
    auto_or_report : AutoDistiller or DistillationReport
        Fitted; as `distillation_report` returned it.
    path : str or path
        Of the page, in a folder that exists.
    X, y : array-like, default=None
        Those that ``AutoDistiller.fit`` had. None: sections that need rows say so. A
        report brings its rows along.
    sample_weight, groups, teacher_proba : array-like, default=None
        As ``fit`` had them.
    verbose : int, default=None
        Above 0 a progress bar of the refits, on standard error. None: as the
        `AutoDistiller` has it; 0 for a report.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    ImportError
        Without jinja2 or matplotlib.
    ValueError
        If X, y or what is given with them are not those of ``fit``, or come with a report;
        if `path` is that of the card.
    OSError
        Before any work, if `path` is a folder or its own does not exist or is read-only.
    """
    path = Path(path)
    _check(path)
    given = {"sample_weight": sample_weight, "groups": groups, "teacher_proba": teacher_proba}
    with config_context(enable_metadata_routing=False):
        case = _case(auto_or_report, X, y, given)
        verbose = getattr(auto_or_report, "verbose", 0) if verbose is None else verbose
        found = plain(_facts(case, verbose))
        texts = {
            path: visible(_page(case, found)),
            path.with_name(_CARD): visible(_json(found)),
        }
    _write(texts)
    return path


def _check(path):
    try:
        import jinja2  # noqa: F401
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"write_report needs {error.name}: pip install 'skdistill[report]'"
        ) from error
    if path.name.lower() == _CARD:  # on disks that know no case, too
        raise ValueError(
            f"path={str(path)!r} is where the model card goes; name the page, as report.html"
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to write {path.name} in")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file in it, as report.html")
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"the folder {path.parent} cannot be written to")


def _case(source, X, y, given):
    if (X is None) != (y is None):
        raise ValueError("X and y belong together; give both or neither")
    if isinstance(source, DistillationReport):
        unused = {"X": X, "y": y, **given}
        if extra := [name for name, value in unused.items() if value is not None]:
            raise ValueError(f"a DistillationReport brings its rows along; leave {extra} out")
        return case_of_report(source)
    if not isinstance(source, AutoDistiller):
        raise ValueError(
            "write_report takes a fitted AutoDistiller or what distillation_report returns, "
            f"got {type(source).__name__}"
        )
    check_is_fitted(source)
    return case_of_auto(source, X, y, **given)


def _facts(case, verbose=0):
    """The sections, as plain as they come."""
    with owned_folder() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what was fitted has warned already
        model, stable, paid = _refitted(case, folder, verbose)
    return {
        "decision": decision(case, model, paid),
        "leaderboard": _rows(case.board),
        "trust": trust(case),
        "decisions": decisions(case),
        "model": model,
        "stability": stable,
        "ablation": paid,
        "reproduction": reproduction(case),
    }


def _refitted(case, folder, verbose):
    """The sections that refit the student; one that fails says so, as a row would."""
    if case.no_refit:
        missing = {"missing": case.no_refit}
        return anatomy(case, case.fitted_to_train), missing, missing
    with Refits(case, folder, verbose) as refits:
        model = anatomy(
            case, refits.shipped if case.fitted_to_train is None else case.fitted_to_train
        )
        return model, _or_its_error(stability, refits), _or_its_error(ablation, refits)


def _or_its_error(section, refits):
    try:
        return section(refits)
    except Exception as error:
        return {"missing": f"A refit failed. {type(error).__name__}: {error}"}


def _rows(board):
    return [dict(zip(board, row, strict=True)) for row in zip(*board.values(), strict=True)]


def plain(value):
    """Values of JSON: numbers that are not finite become None, objects their repr."""
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int | bool | None) else repr(value)


def _page(case, found):
    metric = case.metric
    return _template().render(
        **found,
        figures=figures(case, found),
        in_prose=case.in_prose,
        metric=metric,
        metric_name=_words.metric_name(metric),
        sign=_words.metric_sign(metric),
    )


@cache
def _template():
    from jinja2 import Environment, PackageLoader, StrictUndefined

    env = Environment(
        loader=PackageLoader("skdistill.report.page", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {name: getattr(_words, name) for name in _FILTERS}
    env.globals |= {"compared": _words.compared}
    return env.get_template("page.html.jinja")


def _json(found):
    return json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _write(texts):
    """All or nothing of each: a file is complete before it has its name."""
    parts = {path: path.with_name(f".{path.name}.part") for path in texts}
    try:
        for path, part in parts.items():
            part.write_text(texts[path], encoding="utf-8")
        for path, part in parts.items():
            os.replace(part, path)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
