"""Several teachers as one: the mean of their probabilities."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from skdistill._estimators._classes import fit_labels
from skdistill._estimators._delegation import share_tags, weight_name
from skdistill._estimators._errors import named_in_errors
from skdistill._estimators._params import unset_seeds
from skdistill.teachers._ask import ask_teacher, class_frequencies


class SoftVote(ClassifierMixin, BaseEstimator):
    """Weighted mean of the probabilities of several teachers, aligned by class.

    What a list of teachers stands for. Unlike `VotingClassifier` it hands the user's own
    labels to its members, and aligns the columns of members that order them otherwise.

    Parameters
    ----------
    members : list of (str, classifier) or (str, classifier, float)
        Name, teacher and weight; the weight is 1 if left out.
    random_state : int, default=None
        For the seeds of the members that are None.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    class_prior_ : ndarray of shape (n_classes,)
        Share of each class in y.
    estimators_ : list of classifier
        The fitted members.
    """

    def __init__(self, members, random_state=None):
        self.members = members
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """Fit a clone of each member; a frozen one is taken as it is.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of n_samples rows
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None
            For the members that take it; of a Pipeline for its last step, unless
            metadata routing is enabled.

        Returns
        -------
        self : SoftVote
        """
        self.classes_ = np.unique(y)
        self.class_prior_ = class_frequencies(y, self.classes_, sample_weight)
        self.estimators_ = [clone(teacher) for _, teacher, *_ in self.members]
        for (called, *_), one in zip(self.members, self.estimators_, strict=True):
            unset_seeds(one, self.random_state)
            name = weight_name(one)
            given = sample_weight is not None and name is not None
            with named_in_errors(f"the teacher called {called!r}"):
                fit_labels(one, X, y, {name: sample_weight} if given else {})
        return self

    def predict_proba(self, X):
        """Weighted mean of the members' probabilities.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of n_samples rows

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        weights = [weight[0] if weight else 1.0 for _, _, *weight in self.members]
        each = []
        for (called, *_), one in zip(self.members, self.estimators_, strict=True):
            with named_in_errors(f"the teacher called {called!r}"):
                each.append(ask_teacher(one, X, self.classes_, prior=self.class_prior_))
        return np.average(each, axis=0, weights=weights)

    def predict(self, X):
        """Class of the largest mean probability.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of n_samples rows

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def __sklearn_tags__(self):
        """Input that every member takes."""
        return share_tags(super().__sklearn_tags__(), [one for _, one, *_ in self.members])
