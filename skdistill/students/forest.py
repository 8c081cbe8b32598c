r"""Forests and bagged trees: each tree grown on soft targets, on its own bootstrap.

The student is first fitted natively with trees that may not split. That checks its
parameters and data and draws the seed, the rows and the features of every tree as any
fit of that student would. Each tree is then grown and solved as in
`skdistill.students.tree`, with the weights that its bootstrap gives to rows.

Leaves are solved on the bootstrap of their tree, not on all rows: so a forest of one-hot
targets is the native forest, and out-of-bag scores stay honest. (Test log-loss is the same
within 1 %: all rows gain that much in trees grown to the end and lose it in shallow ones.)

Soft targets leave no node pure. Where nothing but purity bounds the trees, as by default,
they grow to single rows, with several times the nodes of the native forest.
"""

from functools import cache, partial
from typing import Any, Literal

import numpy as np
from optuna.distributions import CategoricalDistribution, IntDistribution
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    RandomForestClassifier,
)
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier
from sklearn.utils import check_array
from sklearn.utils.parallel import Parallel, delayed

from skdistill._sklearn.forest import score_out_of_bag, weights_are_drawn
from skdistill._sklearn.tree import validate_params
from skdistill._typing import Rows, Seed
from skdistill.loss import BoundClassificationLoss
from skdistill.students._class_weight import class_factor
from skdistill.students._complementary import grow_complementary
from skdistill.students._labels import hard_columns
from skdistill.students._leaves import labels_alone, plain_weight, probabilities
from skdistill.students._mixture import solve_mixture
from skdistill.students._registry import Fitted, Unsupported, register
from skdistill.students._rows import weighted_rows
from skdistill.students._tree_leaves import leaves_of_trees, order_of_trees
from skdistill.students.tree import check_tree, fit_soft, growth_target, tree_space

_TREES = (DecisionTreeClassifier, ExtraTreeClassifier)


def fit_forest(
    student: Any,
    X: Rows,
    loss: BoundClassificationLoss,
    *,
    refine: bool | Literal["auto"] = False,
    random_state: Seed = None,
) -> Fitted:
    """Grow every tree of a forest on soft targets and solve its leaves for the loss.

    Parameters
    ----------
    student : RandomForestClassifier, ExtraTreesClassifier or BaggingClassifier
        Fitted in place. A clone has no trees, so ``warm_start`` means nothing.
    X : array-like, frame or sparse matrix of `loss.n_samples` rows
    loss : CombinedLoss
    refine : bool, default=False
        Whether each tree is grown on what the earlier ones leave over, and the leaves of
        all trees are then solved together, on all rows. Trees of another criterion than
        "gini" are grown as without it.
    random_state : int, default=None
        Not used: the student carries its own.

    Returns
    -------
    Fitted

    Raises
    ------
    Unsupported
        For bagging of anything but trees, a bagged tree's own ``class_weight``, and what
        a tree refuses; with `refine` for ``oob_score`` and
        ``class_weight="balanced_subsample"``.

    Notes
    -----
    With ``oob_score``, a row without a hard label is scored against the teacher's most
    probable class. With ``class_weight="balanced_subsample"``, the class counts are those
    of the hard labels in each bootstrap, and a row without one weighs the mean over its
    soft labels.
    """
    validate_params(student)
    X, loss, _ = weighted_rows(X, loss, {})
    columns = labels_alone(loss)
    if columns is not None:
        weight = plain_weight(loss.row_weight, loss)
        return Fitted(student.fit(X, loss.classes[columns], sample_weight=weight))
    if refine:
        _refuse_what_trees_share(student)
    target, weight = loss.pull()
    weight, columns = plain_weight(weight, loss), hard_columns(loss)
    _draw(student, X, loss.classes[columns], weight)
    tree = student.estimators_[0]
    check_tree(tree, loss)
    X = check_array(X, accept_sparse="csr", dtype=np.float32, ensure_all_finite=False)
    complementary = refine and tree.criterion == "gini"
    grow = _grow_in_turn if complementary else _grow
    grow(student, X, loss, target, weight)
    student.classes_ = loss.classes
    student.n_classes_ = type(student.n_classes_)(loss.n_classes)
    if refine:
        stages = "+complementary+together" if complementary else "+together"
        return Fitted(student, f"direct{stages}", _solve_together(student, X, loss))
    if student.oob_score:
        score_out_of_bag(student, X, columns)
    return Fitted(student)


def _refuse_what_trees_share(student):
    """Refuse what speaks of trees one by one, once they answer for one another."""
    if student.oob_score:
        raise Unsupported(
            f"oob_score={student.oob_score!r} scores rows by the trees that did not see them; "
            "with refine=True all trees are fitted for one another on all rows; set "
            "oob_score=False, or use refine=False"
        )
    if getattr(student, "class_weight", None) == "balanced_subsample":
        raise Unsupported(
            "class_weight='balanced_subsample' weighs classes in each tree by itself; with "
            "refine=True use 'balanced'"
        )


def _draw(student, X, y, weight):
    """Fit the student with trees of one node each."""
    own = student.get_params(deep=False)
    changed, tree = {"oob_score": student.oob_score and not student.bootstrap}, student
    if isinstance(student, BaggingClassifier):
        tree = student.estimator
        tree = DecisionTreeClassifier() if tree is None else tree
        if type(tree) not in _TREES:
            raise Unsupported(
                f"estimator={tree!r} is bagged by the general path; trees by their own"
            )
        _refuse_class_weight(tree)
        changed["estimator"] = clone(tree).set_params(min_samples_split=len(y) + 1)
    else:
        changed["min_samples_split"] = len(y) + 1
    student.set_params(**changed).fit(X, y, sample_weight=weight)
    student.set_params(**{name: own[name] for name in changed})
    for grown in student.estimators_:
        grown.set_params(min_samples_split=tree.min_samples_split)
    if isinstance(student, BaggingClassifier):
        student.estimator_ = tree


def _refuse_class_weight(tree):
    if tree.class_weight is not None:
        raise Unsupported(
            f"class_weight={tree.class_weight!r} of the bagged tree would weigh labels that "
            "soft targets are split into; give the weights of rows as sample_weight"
        )


def _grow_in_turn(student, X, loss, target, weight):
    """Grow each tree on what those before it leave over."""
    if loss.temperature != 1:
        target = _best_of_rows(loss)
    rows = student.estimators_samples_
    grow_complementary(
        student.estimators_,
        X,
        target,
        loss.classes,
        weights=(_tree_weight(student, loss, weight, drawn) for drawn in rows),
        features=_features(student, X),
        check_input=_needs_check(X),
    )


def _solve_together(student, X, loss):
    """Solve the leaves of all trees for the loss; its parts after each step."""
    leaves, tree = forest_leaves(student), student.estimators_[0]
    order = order_of_trees(student.estimators_, tree.monotonic_cst)
    values, curve = solve_mixture(leaves.values, leaves.apply(X), loss, order=order)
    leaves.write(values)
    return curve


def _best_of_rows(loss):
    """Class probabilities that minimise the loss of each row."""
    return probabilities(loss.constant(np.arange(loss.n_samples), loss.n_samples))


def _features(student, X):
    every = np.arange(X.shape[1])
    return getattr(student, "estimators_features_", [every] * len(student))


def _needs_check(X):
    return issparse(X) or bool(np.isnan(X).any())


def _grow(student, X, loss, target, weight):
    """Grow the trees in threads, as the native fit does: the work is in compiled code."""
    target = growth_target(student.estimators_[0].criterion, target, weight)
    every, check_input = np.arange(X.shape[1]), _needs_check(X)

    of_row = cache(partial(_best_of_rows, loss))

    def grow(tree, drawn, features):
        own_X = X if np.array_equal(features, every) else X[:, features]
        own_weight = factor = _tree_weight(student, loss, weight, drawn)
        if weight is not None:
            factor = np.divide(own_weight, weight, np.zeros(len(weight)), where=weight > 0)
        code_type = tree.classes_.dtype
        values = {"factor": factor, "of_row": of_row}
        fit_soft(tree, own_X, loss, target, own_weight, check_input=check_input, **values)
        tree.classes_ = np.arange(loss.n_classes, dtype=code_type)

    Parallel(n_jobs=student.n_jobs, verbose=student.verbose, prefer="threads")(
        delayed(grow)(*of_tree)
        for of_tree in zip(
            student.estimators_,
            student.estimators_samples_,
            _features(student, X),
            strict=True,
        )
    )


def _tree_weight(student, loss, weight, rows):
    """Weight of every row of the transfer set in a tree whose bootstrap drew `rows`."""
    drawn = np.bincount(rows, minlength=loss.n_samples).astype(np.float64)
    bootstrap = isinstance(student, BaggingClassifier) or student.bootstrap
    if weight is not None and not (bootstrap and weights_are_drawn()):
        drawn *= weight
    if getattr(student, "class_weight", None) == "balanced_subsample":
        drawn *= _balance(loss, rows)
    return drawn


def _balance(loss, rows):
    """Row factors that give the classes of the drawn hard labels equal weight."""
    drawn = loss.y[rows]
    counts = np.bincount(drawn[drawn >= 0], minlength=loss.n_classes)
    shares = counts * np.count_nonzero(counts) / counts.sum()
    weight = np.divide(1, shares, np.zeros(loss.n_classes), where=counts > 0)
    return class_factor(loss, weight)


def forest_leaves(student: Any) -> Any:
    """The leaves of all trees of a fitted forest, or of bagged trees."""
    features = getattr(student, "estimators_features_", None)
    return leaves_of_trees(student.estimators_, features)


def forest_space(student: Any) -> dict[str, Any]:
    """Sizes of a forest that is small next to its teacher."""
    return {
        "n_estimators": IntDistribution(5, 100, log=True),
        "max_depth": IntDistribution(3, 16),
        "min_samples_leaf": IntDistribution(1, 50, log=True),
    }


def all_columns(student: Any) -> dict[str, Any]:
    """Trees that are grown for one another differ without it, and gain most from it."""
    return {"max_features": CategoricalDistribution(["sqrt", None])}


def bagging_space(student: Any) -> dict[str, Any]:
    """Number of trees and, where the tree is given, its own space."""
    tree = tree_space(student.estimator) if student.estimator is not None else {}
    return {"n_estimators": IntDistribution(5, 50, log=True)} | {
        f"estimator__{name}": values for name, values in tree.items()
    }


def forest_pays(student: Any, loss: BoundClassificationLoss) -> bool:
    """Whether nothing is refused: on labels out of fold it paid at every size."""
    tree = getattr(student, "estimator", None)
    trees = tree is None or type(tree) in _TREES
    balanced = getattr(student, "class_weight", None) == "balanced_subsample"
    return trees and not student.oob_score and not balanced


_PIECES = {
    "refine": partial(fit_forest, refine=True),
    "refine_pays": forest_pays,
    "leaves": forest_leaves,
}
_FOREST = {"search_space": forest_space, "refined_space": all_columns, **_PIECES}
register(RandomForestClassifier, fit_forest, **_FOREST)
register(ExtraTreesClassifier, fit_forest, **_FOREST)
register(BaggingClassifier, fit_forest, search_space=bagging_space, **_PIECES)
