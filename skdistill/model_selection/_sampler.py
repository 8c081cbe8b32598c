"""The default sampler of a search: the draws of a trial depend on its number alone."""

import warnings

import numpy as np
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, TPESampler


class TPEByNumber(BaseSampler):
    """Tree-structured Parzen estimators, seeded anew for each trial by its number.

    Numbers are unique in a study. So a resumed search does not draw again what was drawn
    before, and processes that share a study under one seed draw different candidates; only
    the first draw of a process that joins may repeat another's. Parameters are drawn
    jointly, in groups where a space is conditional. Trials that are still running count as
    bad, so that the trials of a batch differ.

    Parameters
    ----------
    seed : int

    Attributes
    ----------
    number : int
        To be set before each draw: one more than that of the last trial of this process.
    """

    def __init__(self, seed):
        self._seed = seed
        self.number = 0

    def before_trial(self, study, trial):
        """Make the sampler of this trial."""
        seed = np.random.SeedSequence([self._seed, self.number]).generate_state(1)[0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            self._tpe = TPESampler(
                seed=int(seed), multivariate=True, group=True, constant_liar=True
            )

    def infer_relative_search_space(self, study, trial):
        """See optuna.samplers.BaseSampler."""
        return self._tpe.infer_relative_search_space(study, trial)

    def sample_relative(self, study, trial, search_space):
        """See optuna.samplers.BaseSampler."""
        return self._tpe.sample_relative(study, trial, search_space)

    def sample_independent(self, study, trial, param_name, param_distribution):
        """See optuna.samplers.BaseSampler."""
        return self._tpe.sample_independent(study, trial, param_name, param_distribution)
