"""What a page is made of: of an `AutoDistiller` or of a comparison.

Both become a `Case`: a leaderboard, what its rows predict for held-out rows, the student
that ships, and where rows are at hand, the rows. All that is written is made from it.
"""

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import Bunch

from skdistill.auto._leaderboard import TEACHER, Leaderboard


class Rows(NamedTuple):
    """Rows to look at, and to fit again on.

    Attributes
    ----------
    X_test : rows
        The held-out ones, in the order of ``Case.held_out``.
    X_student : rows
        The same as the student gets them, after the steps of a pipeline around it.
    names : list of str or None
        Of the columns that it gets.
    unseen : ndarray of bool of shape (n_held_out,)
        Which of them are not rows of `X_train`.
    X_train, y_train : rows and ndarray, or None
        As the student gets them.
    fit_params : dict
        "sample_weight" and "teacher_proba" of the training rows, where there are.
    groups : ndarray or None
        Of the training rows.
    """

    X_test: Any
    X_student: Any
    names: list | None
    unseen: np.ndarray
    X_train: Any
    y_train: Any
    fit_params: dict
    groups: Any


class Case(NamedTuple):
    """One exploration or comparison.

    Attributes
    ----------
    board : Leaderboard
        As ``AutoDistiller.leaderboard_``.
    metric, scoring : str, str or callable
        What gain and gap are measured in.
    classes : ndarray
    held_out : Bunch
        As ``AutoDistiller.held_out_``.
    chosen, plain, distilled : str or None
        Rows of the board: what was chosen, its family on hard labels and distilled.
    model : DistilledClassifier or None
        With the parameters of the chosen row.
    student : fitted classifier
        What ships.
    fitted_to_train : fitted classifier or None
        A model that ships the same and has not seen the held-out rows.
    names : list of str or None
        Of the columns of X.
    limits : dict
        Hard limits by column of the board.
    provenance : dict
        As ``AutoDistiller.provenance_``.
    rows : Rows or None
    fit_names : list of str
        Of what ``fit`` had beside X and y, where it is known.
    no_rows, no_refit : str
        How to get what needs rows, and refits; "" where nothing is missing.
    """

    board: Leaderboard
    metric: str
    scoring: Any
    classes: np.ndarray
    held_out: Bunch
    chosen: str
    plain: str | None
    distilled: str | None
    model: Any
    student: Any
    fitted_to_train: Any
    names: list | None
    limits: dict
    provenance: dict
    rows: Rows | None
    fit_names: list
    no_rows: str
    no_refit: str

    def in_prose(self, name):
        """What a row is called within a sentence; None for None."""
        return None if name is None else self.board.in_prose(name)

    def row(self, name):
        """A row of the board, as a dict; None for None."""
        return None if name is None else self.board.row(name)

    @property
    def roles(self):
        """The row of each role: teacher, plain and distilled student."""
        named = {"teacher": TEACHER, "plain": self.plain, "distilled": self.distilled}
        return {role: name for role, name in named.items() if name in self.held_out.proba}
