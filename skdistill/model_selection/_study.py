"""What a study remembers of the search that it was made for."""

from contextlib import contextmanager

import optuna
from optuna.study import StudyDirection

from skdistill.model_selection._fingerprint import differences, fingerprint

__all__ = ["check_same", "fingerprint", "in_memory", "quiet"]

_FINGERPRINT = "fingerprint"


@contextmanager
def quiet():
    """Optuna reports no trial: as many lines as there are candidates."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(before, optuna.logging.WARNING))
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def in_memory(study):
    """A copy that needs no storage.

    Parameters
    ----------
    study : optuna.Study

    Returns
    -------
    optuna.Study
    """
    with quiet():
        copied = optuna.create_study(study_name=study.study_name, direction="maximize")
    for name, value in study.user_attrs.items():
        copied.set_user_attr(name, value)
    copied.add_trials(study.get_trials(deepcopy=False))
    return copied


def check_same(study, mark):
    """Refuse to go on with a study of something else; mark a new one.

    Parameters
    ----------
    study : optuna.Study
    mark : dict of str
        See `fingerprint_by_part`.

    Raises
    ------
    ValueError
        If the study has another mark, or none and trials or another direction.
    """
    known = study.user_attrs.get(_FINGERPRINT)
    maximised = study.directions == [StudyDirection.MAXIMIZE]
    if known is None and maximised and not study.get_trials(deepcopy=False):
        study.set_user_attr(_FINGERPRINT, mark)
    elif known is None:
        raise ValueError(
            f"study {study.study_name!r} was not made by DistillationSearchCV; "
            "give another study_name"
        )
    elif other := differences(known, mark):
        raise ValueError(
            f"study {study.study_name!r} was run with other {', '.join(other)}; it goes on "
            "only with the same, so give another study_name or storage"
        )
