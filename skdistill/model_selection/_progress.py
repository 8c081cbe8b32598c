"""The progress bar of a search: trials done and in all, the best score, the time left."""

import sys

import numpy as np
from tqdm import tqdm


class Progress:
    """One bar on standard error, however many candidates, folds and processes.

    Parameters
    ----------
    ended : list of optuna.trial.FrozenTrial
        Of an earlier search that goes on: they count as done.
    n_trials : int
        In all.
    refits : bool
        Whether a refit follows, which gets a line of its own.
    shown : bool
    """

    def __init__(self, ended, n_trials, *, refits, shown):
        done = len(ended)
        values = [trial.value for trial in ended if trial.value is not None]
        self._refits = refits and shown
        self._best = max(values, default=-np.inf)
        self._bar = tqdm(
            desc="search",
            total=max(n_trials, done),
            initial=done,
            unit="trial",
            disable=not shown,
            file=sys.stderr,
        )

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self._bar.close()
        if self._refits and kind is None:
            tqdm.write("search: the best candidate is fitted on all rows", file=sys.stderr)

    def told(self, value):
        """One trial has ended, with this score."""
        self._best = np.fmax(self._best, value)
        self._bar.set_postfix_str(f"best {self._best:.6g}", refresh=False)
        self._bar.update()
