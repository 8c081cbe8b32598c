"""Interpretable students of other packages, fitted by what they have in common."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skdistill.loss import CombinedLoss, logits
from skdistill.students import fit_student

RECIPES = Path(__file__).parents[2] / "docs" / "recipes.md"
COLUMNS = list("abcd")

# these packages warn of their own dependencies, at import and in fit
pytestmark = pytest.mark.filterwarnings("ignore")


def explainable_boosting():
    glassbox = pytest.importorskip("interpret.glassbox", exc_type=ImportError)
    return glassbox.ExplainableBoostingClassifier(
        outer_bags=2, interactions=0, max_rounds=60, n_jobs=1, random_state=0
    )


def scorecard():
    optbinning = pytest.importorskip("optbinning", exc_type=ImportError)
    return make_pipeline(optbinning.BinningProcess(COLUMNS), LogisticRegression())


def tree_sum():
    imodels = pytest.importorskip("imodels", exc_type=ImportError)
    return imodels.FIGSClassifier(max_rules=8)


every_student = pytest.mark.parametrize("make", [explainable_boosting, scorecard, tree_sum])


def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    positive = 1 / (1 + np.exp(-1.5 * X[:, 0] - np.sin(2 * X[:, 1])))
    y = (rng.random(300) < positive).astype(int)
    return pd.DataFrame(X, columns=COLUMNS), y, np.column_stack([1 - positive, positive])


@every_student
def test_alpha_zero_is_the_plain_student(make):
    X, y, proba = rows()
    plain = clone(make()).fit(X, y)
    own = fit_student(make(), X, CombinedLoss(proba, y, alpha=0), random_state=0).student
    assert type(own) is type(plain)
    assert_allclose(own.predict_proba(X), plain.predict_proba(X), atol=1e-6)


@every_student
@pytest.mark.parametrize("temperature", [1, 3])
def test_soft_labels_lower_the_loss_below_the_plain_students(make, temperature):
    X, y, proba = rows()
    loss = CombinedLoss(proba, y, alpha=1, temperature=temperature)
    own = fit_student(make(), X, loss, random_state=0).student
    reached = [
        loss.parts(logits(student.predict_proba(X))).total
        for student in (own, clone(make()).fit(X, y))
    ]
    assert reached[0] < reached[1]


@pytest.mark.parametrize("package", ["interpret.glassbox", "optbinning", "imodels"])
def test_the_recipe_runs(package):
    pytest.importorskip(package, exc_type=ImportError)
    blocks = re.findall(r"```python\n(.*?)```", RECIPES.read_text(), flags=re.DOTALL)
    (recipe,) = [block for block in blocks if f"from {package} import" in block]
    namespace = {}
    exec(recipe, namespace)
    assert namespace["kd"].predict_proba(namespace["X"].iloc[:, :4]).shape[1] == 2
