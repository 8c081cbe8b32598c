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
from tqdm import tqdm

from skdistill._sklearn.validation import take_rows
from skdistill.auto._held_out import HeldOut
from skdistill.auto._leaderboard import TEACHER
from skdistill.metrics import agreement, total_variation
from skdistill.metrics._intervals import interval
from skdistill.report.page._anatomy import feature_names, feature_weights, named, split
from skdistill.teachers import ask, is_frozen, resolve_teacher

REFITS, _TOP = 5, 5  # few enough to read; each refit costs a fit
_ENOUGH = 20  # rows of the largest class: then each of the teacher's folds has one
_ALONE = {"cv": None, "calibrate_teacher": False, "transfer": None}


class Refits:
    """Fits to the training part of a case, and what they predict for its held-out rows.

    Parameters
    ----------
    case : Case
        With rows and a model.
    folder : str
        Of the shared cache.
    verbose : int, default=0
        Above 0 a progress bar, on standard error.
    """

    def __init__(self, case, folder, verbose=0):
        self.case, self.rows, unseen = case, case.rows, case.rows.unseen
        self.X_test = take_rows(case.rows.X_student, np.flatnonzero(unseen))
        self.teacher = case.held_out.proba[TEACHER][unseen]
        self.folder = folder
        known = {
            name: None if case.held_out[name] is None else case.held_out[name][unseen]
            for name in ("y", "sample_weight", "groups")
        }
        self.held_out = HeldOut(
            self.X_test, known.pop("y"), case.classes, case.scoring, **known, seed=0
        )
        # one fit as it ships, five to resamples, one for each variant of the recipe
        n_fits = 1 + REFITS + len(_recipe(self))
        self.bar = tqdm(total=n_fits, desc="report", unit="refit", disable=verbose <= 0)

    def __enter__(self):
        self.bar.__enter__()
        return self

    def __exit__(self, *error):
        return self.bar.__exit__(*error)

    @cached_property
    def shipped(self):
        """The chosen student fitted to the training part: what the page's figures are of."""
        return self.fit()

    def fit(self, **changed):
        """The chosen model with some parameters changed, fitted to the training part."""
        model = clone(self.case.model).set_params(memory=self.folder, **changed)
        model.fit(self.rows.X_train, self.rows.y_train, **self.rows.fit_params)
        self.bar.update()
        return model

    def refit(self, labels, drawn):
        """The chosen student, fitted to some rows and the labels that they have."""
        weight = self.rows.fit_params.get("sample_weight")
        model = clone(self.case.model).set_params(**_ALONE, memory=None)
        model.fit(
            take_rows(self.rows.X_train, drawn),
            self.rows.y_train[drawn],
            sample_weight=None if weight is None else weight[drawn],
            teacher_proba=labels[drawn],
        )
        self.bar.update()
        return model

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
        return ask(model, self.X_test, self.case.classes, fill=True)

    def measure(self, proba):
        """Metrics and draws of the main one, as on the leaderboard."""
        return self.held_out.measure(proba, self.teacher)


# Stability -------------------------------------------------------------------------------


def stability(refits):
    """How much five refits to resampled rows differ.

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
    shipped = refits.ask(refits.shipped)
    rows = [
        _stable_row(refits, model, proba, shipped)
        for model, proba in zip(models, probas, strict=True)
    ]
    pairs, weight = list(combinations(probas, 2)), {"sample_weight": refits.held_out.weight}
    scores = np.array([row[metric] for row in rows])
    return {
        "metric": metric,
        "headline": refits.case.row(refits.case.chosen)[metric],
        "n_rows": len(refits.held_out.y),
        "whole": refits.measure(shipped)[0][metric],
        "refits": rows,
        "mean": scores.mean(),
        "sd": scores.std(ddof=1),
        "agreement": _spread([agreement(a, b, **weight) for a, b in pairs]),
        "total_variation": _spread([total_variation(a, b, **weight) for a, b in pairs]),
        "top_features": _shared([row["top_features"] for row in rows]),
        "roots": sorted({row["root"] for row in rows if row["root"]}),
        "missing": "",
    }


def _stable_row(refits, model, proba, shipped):
    columns, _ = refits.measure(proba)
    student, metric = model.student_, refits.case.metric
    kept = {name: columns[name] for name in (metric, "log_loss", "accuracy")}
    return kept | {
        "agreement_with_teacher": columns["agreement"],
        "agreement_with_whole": agreement(
            shipped, proba, sample_weight=refits.held_out.weight
        ),
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
    """The first split of a tree, in words."""
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
    metric, recipe = refits.case.metric, _recipe(refits)
    ships = _as_shipped(refits.case.model)
    chosen = next(name for name, changed in recipe.items() if ships.items() <= changed.items())
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
    return {"metric": metric, **_scale(refits.case), "variants": rows, "missing": ""}


_HARD = "hard labels alone"


def _as_shipped(model):
    """The part of a recipe that says which variant ships."""
    if model.alpha == 0:
        return {"alpha": 0.0}
    return {name: getattr(model, name) for name in ("temperature", "alpha", *_ALONE)}


def _recipe(refits):
    """What is changed, by variant: labels one step better after another, then T and alpha."""
    scale, labels = _scale(refits.case), _labels(refits)
    last, labelling = list(labels.items())[-1]
    recipe = {_HARD: {"temperature": 1.0, "alpha": 0.0} | _ALONE}
    recipe |= {name: scale | how for name, how in labels.items()}
    if scale["temperature"] != 1:
        recipe[f"{last}, at temperature 1"] = scale | labelling | {"temperature": 1.0}
    if scale["alpha"] != 1:
        recipe[f"{last}, without hard labels (alpha 1)"] = scale | labelling | {"alpha": 1.0}
    return recipe


def _scale(case):
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
        folds = _ALONE | {"cv": "auto" if model.cv is None else model.cv}
        kinds["out-of-fold labels"] = folds
        how = model.calibrate_teacher or True
        kinds["out-of-fold labels, calibrated"] = folds | {"calibrate_teacher": how}
    if model.transfer is not None:
        last, labelling = list(kinds.items())[-1]
        kinds[f"{last}, and generated rows"] = labelling | {"transfer": model.transfer}
    return kinds


def _paired(metric, found, other):
    (columns, draws), (others, other_draws) = found, other
    return interval(columns[metric] - others[metric], draws - other_draws)._asdict()
