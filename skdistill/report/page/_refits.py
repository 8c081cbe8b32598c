"""The chosen student fitted again: on other draws of the rows, and with less of its recipe.

All refits are fitted to the training part and measured on the held-out rows, on the same
resamples of them, so that differences are paired. The teacher works once for each kind of
label: its work is kept in a folder that all refits share.
"""

from functools import cached_property
from itertools import combinations

import numpy as np
from sklearn.base import clone
from sklearn.tree import BaseDecisionTree
from sklearn.utils import resample

from skdistill._sklearn.validation import take_rows
from skdistill.auto._held_out import HeldOut, interval
from skdistill.metrics import agreement, total_variation
from skdistill.report.page._anatomy import feature_names, feature_weights, named, split
from skdistill.report.page._case import TEACHER
from skdistill.teachers import resolve_teacher
from skdistill.teachers._ask import ask
from skdistill.teachers._check import is_frozen

REFITS, _TOP, _ENOUGH = 5, 5, 20
_ALONE = {"cv": None, "calibrate_teacher": False, "transfer": None}


class Refits:
    """Fits to the training part of a case, and what they predict for its held-out rows.

    Parameters
    ----------
    case : Case
        With rows and a model.
    folder : str
        Of the shared cache.
    """

    def __init__(self, case, folder):
        self.case, self.rows, fresh = case, case.rows, case.rows.fresh
        self.fed = take_rows(case.rows.fed, np.flatnonzero(fresh))
        self.teacher = case.held_out.proba[TEACHER][fresh]
        self.folder = folder
        own = {
            name: None if case.held_out[name] is None else case.held_out[name][fresh]
            for name in ("y", "sample_weight", "groups")
        }
        self.held_out = HeldOut(
            self.fed, own.pop("y"), case.classes, case.scoring, **own, seed=0
        )

    @cached_property
    def shipped(self):
        """The chosen student fitted to the training part: what the page's figures are of."""
        return self.fit()

    def fit(self, **changed):
        """The chosen model with some parameters changed, fitted to the training part."""
        model = clone(self.case.model).set_params(memory=self.folder, **changed)
        return model.fit(self.rows.X_train, self.rows.y_train, **self.rows.fit_params)

    def refit(self, labels, drawn):
        """The chosen student, fitted to some rows and the labels that they have."""
        weight = self.rows.fit_params.get("sample_weight")
        model = clone(self.case.model).set_params(**_ALONE, memory=None)
        return model.fit(
            take_rows(self.rows.X_train, drawn),
            self.rows.y_train[drawn],
            sample_weight=None if weight is None else weight[drawn],
            teacher_proba=labels[drawn],
        )

    def labels(self):
        """The soft labels that the chosen student was fitted to."""
        model = clone(self.case.model).set_params(memory=self.folder)
        return model.soft_labels(self.rows.X_train, self.rows.y_train, **self.rows.fit_params)

    def draws(self):
        """Row numbers of each resample: by class, or of whole groups where there are."""
        every, groups = np.arange(len(self.rows.y_train)), self.rows.groups
        for seed in range(REFITS):
            if groups is None:
                yield resample(every, stratify=self.rows.y_train, random_state=seed)
            else:
                names = resample(np.unique(groups), random_state=seed)
                yield np.concatenate([np.flatnonzero(groups == name) for name in names])

    def ask(self, model):
        """Probabilities for the held-out rows."""
        return ask(model, self.fed, self.case.classes, fill=True)

    def measure(self, proba):
        """Metrics and draws of the main one, as on the leaderboard."""
        return self.held_out.measure(proba, self.teacher)


# Stability -------------------------------------------------------------------------------


def stability(refits):
    """How far five refits to resampled rows differ from one another.

    Parameters
    ----------
    refits : Refits

    Returns
    -------
    dict
    """
    labels = refits.labels()
    known = ~np.isnan(labels[:, 0])
    models = [refits.refit(labels, rows[known[rows]]) for rows in refits.draws()]
    probas, metric = [refits.ask(model) for model in models], refits.case.metric
    own = refits.ask(refits.shipped)
    rows = [
        _stable_row(refits, model, proba, own)
        for model, proba in zip(models, probas, strict=True)
    ]
    pairs, weight = list(combinations(probas, 2)), {"sample_weight": refits.held_out.weight}
    scores = np.array([row[metric] for row in rows])
    return {
        "metric": metric,
        "whole": refits.measure(own)[0][metric],
        "refits": rows,
        "mean": scores.mean(),
        "sd": scores.std(ddof=1),
        "agreement": _spread([agreement(a, b, **weight) for a, b in pairs]),
        "total_variation": _spread([total_variation(a, b, **weight) for a, b in pairs]),
        "top_features": _shared([row["top_features"] for row in rows]),
        "roots": sorted({row["root"] for row in rows if row["root"]}),
        "missing": "",
    }


def _stable_row(refits, model, proba, own):
    columns, _ = refits.measure(proba)
    student, metric = model.student_, refits.case.metric
    kept = {name: columns[name] for name in (metric, "log_loss", "accuracy")}
    return kept | {
        "agreement_with_teacher": columns["agreement"],
        "agreement_with_whole": agreement(own, proba, sample_weight=refits.held_out.weight),
        "top_features": _top_features(student, refits.rows.names),
        "root": _root(student, refits.rows.names),
    }


def _spread(values):
    return {"mean": np.mean(values), "lowest": min(values), "highest": max(values)}


def _top_features(student, names):
    weights = feature_weights(student)
    if weights is None:
        return []
    names = named(feature_names(student, names), len(weights))
    return [names[i] for i in np.argsort(-weights, kind="stable")[:_TOP] if weights[i] > 0]


def _root(student, names):
    """The first question of a tree."""
    _, last = split(student)
    if not isinstance(last, BaseDecisionTree) or last.tree_.node_count == 1:
        return ""
    names = named(feature_names(student, names), last.n_features_in_)
    return f"{names[last.tree_.feature[0]]} <= {last.tree_.threshold[0]:.4g}"


def _shared(tops):
    """Mean share of the top features that two refits have in common; None without any."""
    if not all(tops):
        return None
    return np.mean([len({*a} & {*b}) / len({*a} | {*b}) for a, b in combinations(tops, 2)])


# Ablation --------------------------------------------------------------------------------


def ablation(refits):
    """What each part of the recipe pays, at the chosen student's own parameters.

    Parameters
    ----------
    refits : Refits

    Returns
    -------
    dict
        Differences are of the main metric, paired: over hard labels, and against the
        student as it ships.
    """
    metric, recipe, own = refits.case.metric, _recipe(refits), _as_shipped(refits.case.model)
    chosen = next(name for name, changed in recipe.items() if own.items() <= changed.items())
    fitted = {
        name: refits.measure(refits.ask(refits.fit(**changed)))
        for name, changed in recipe.items()
    }
    rows = [
        {
            "variant": name,
            "chosen": name == chosen,
            metric: found[0][metric],
            "over_hard": _paired(metric, found, fitted[_HARD]),
            "over_chosen": _paired(metric, found, fitted[chosen]),
        }
        for name, found in fitted.items()
    ]
    return {"metric": metric, **_own(refits.case), "variants": rows, "missing": ""}


_HARD = "hard labels alone"


def _as_shipped(model):
    """The part of a recipe that says which variant ships."""
    if model.alpha == 0:
        return {"alpha": 0.0}
    return {name: getattr(model, name) for name in ("temperature", "alpha", *_ALONE)}


def _recipe(refits):
    """What is changed, by variant: labels one step better after another, then T and alpha."""
    own, labels = _own(refits.case), _labels(refits)
    last, labelling = list(labels.items())[-1]
    recipe = {_HARD: {"temperature": 1.0, "alpha": 0.0} | _ALONE}
    recipe |= {name: own | how for name, how in labels.items()}
    if own["temperature"] != 1:
        recipe[f"{last}, at temperature 1"] = own | labelling | {"temperature": 1.0}
    if own["alpha"] != 1:
        recipe[f"{last}, without hard labels (alpha 1)"] = own | labelling | {"alpha": 1.0}
    return recipe


def _own(case):
    """Temperature and alpha of the chosen row or, where it is plain, of its distilled twin."""
    params = case.row(case.distilled)["params"] if case.distilled else {}
    names = ("temperature", "alpha")
    return {name: params.get(name, getattr(case.model, name)) for name in names}


def _labels(refits):
    """Kinds of labels that this teacher can give, the best last."""
    model, rows = refits.case.model, refits.rows
    as_it_is = {name: getattr(model, name) for name in _ALONE}
    if "teacher_proba" in rows.fit_params:
        return {"the given soft labels": as_it_is}
    if is_frozen(resolve_teacher(model.teacher, model.n_jobs)):
        return {"the frozen teacher's labels": as_it_is}
    kinds = {"in-sample labels of the teacher": _ALONE}
    counts = np.unique(rows.y_train, return_counts=True)[1]
    if model.cv is not None or counts.max() >= _ENOUGH:
        cv = {"cv": "auto" if model.cv is None else model.cv}
        kinds["out-of-fold labels"] = cv | {"calibrate_teacher": False}
        how = model.calibrate_teacher or True
        kinds["out-of-fold labels, calibrated"] = cv | {"calibrate_teacher": how}
    return kinds


def _paired(metric, found, other):
    (columns, draws), (others, other_draws) = found, other
    ends = interval("x", draws - other_draws)
    value = columns[metric] - others[metric]
    return {"value": value, "low": ends["x_low"], "high": ends["x_high"]}
