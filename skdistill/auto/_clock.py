"""The time that an exploration may take, and the bar that shows how far it is.

A timeout is looked at before each search and each refit, and in a search after each fit: the
scorer that follows a fit ends the search when time is over. So a timeout is passed by one
fit at most, and by measuring what was finished.
"""

from time import monotonic

import numpy as np
from tqdm import tqdm

from skdistill._sklearn.scorers import TakesWeightsLike


class OutOfTime(KeyboardInterrupt):
    """Time is over; a search ends as it does on an interrupt."""


def interrupt_behind(error):
    """The interrupt that an error is or hides: a lock that is freed on it may fail itself.

    Parameters
    ----------
    error : BaseException

    Returns
    -------
    KeyboardInterrupt or None
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error


class Clock:
    """Shares out what is left of a timeout.

    Parameters
    ----------
    timeout : float or None
        Seconds from now.
    """

    def __init__(self, timeout):
        self.timeout = timeout
        self.deadline = np.inf if timeout is None else monotonic() + timeout

    def share(self, n_searches):
        """Seconds for the next of several searches; one share is kept for all refits.

        Parameters
        ----------
        n_searches : int

        Returns
        -------
        float or None
            None without a timeout.
        """
        if self.timeout is None:
            return None
        return max(self.deadline - monotonic(), 0) / (n_searches + 1)

    def check(self):
        """End what has no time left."""
        if monotonic() > self.deadline:
            raise OutOfTime


class Until(TakesWeightsLike):
    """A scorer that ends the search when time is over.

    Parameters
    ----------
    scorer : callable
    deadline : float
        By `time.monotonic`, which all processes of a machine share. It is no part of what
        the scorer is: a search that is kept goes on with any timeout.
    """

    __slots__ = ("deadline",)

    def __init__(self, scorer, deadline):
        self.scorer = scorer
        self.deadline = deadline

    def __call__(self, estimator, X, y=None, **params):
        if monotonic() > self.deadline:
            raise OutOfTime
        return self.scorer(estimator, X, y, **params)

    def __repr__(self):
        return repr(self.scorer)


class Bar:
    """A progress bar of trials: how many of how many, the best score so far, time left.

    Parameters
    ----------
    planned : list of int
        Trials of each row.
    shown : bool
    """

    def __init__(self, planned, shown):
        self.ends = np.cumsum(planned)
        self.bar = tqdm(total=int(sum(planned)), unit="trial", disable=not shown)
        self.best = -np.inf

    def __enter__(self):
        self.bar.__enter__()
        return self

    def __exit__(self, *error):
        return self.bar.__exit__(*error)

    def begin(self, name):
        """Name the row that is explored."""
        self.bar.set_description(name)

    def __call__(self, study, trial):
        """Count a trial; a callback of the search."""
        if trial.value is not None and trial.value > self.best:
            self.best = trial.value
            self.bar.set_postfix_str(f"best {self.best:.4f}", refresh=False)
        self.bar.update()

    def end(self, number):
        """The row of this number is done, with fewer trials than planned perhaps."""
        self.bar.update(int(self.ends[number]) - self.bar.n)

    def __reduce__(self):
        """Processes of a search get a bar that shows nothing."""
        return Bar, ([], False)
