import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill.loss import CombinedLoss
from skdistill.students import Unsupported, fit_student, search_space

NAMES = np.array(["ash", "beech", "cedar"])


class Witness(TransformerMixin, BaseEstimator):
    """Passes X on, and notes what it is fitted on."""

    fits = []  # noqa: RUF012

    def fit(self, X, y, tag=None):
        Witness.fits.append((X[:, 0].astype(int), np.asarray(y), tag))
        return self

    def transform(self, X):
        return X


class Judge(GaussianNB):
    """A last step with fit parameters of its own."""

    def fit(self, X, y, sample_weight=None, tag=None, X_val=None):
        self.tag_, self.X_val_, self.rows_ = tag, X_val, X[:, 0]
        return super().fit(X, y, sample_weight)


@pytest.fixture(autouse=True)
def fits():
    Witness.fits.clear()
    return Witness.fits


def linear():
    return LogisticRegression(tol=1e-8, max_iter=1000)


def make_task(n_samples=90):
    X, y = make_classification(
        n_samples, 5, n_informative=4, n_redundant=0, n_classes=3, random_state=0
    )
    X = np.column_stack([np.arange(n_samples), X])
    blur = np.random.default_rng(0).dirichlet(np.ones(3), n_samples)
    return X, y, (np.eye(3)[y] + blur) / 2


def bind(proba, y=None, **params):
    return CombinedLoss(proba, y, classes=NAMES, **params)


@pytest.mark.parametrize("last", [linear(), GaussianNB()], ids=["direct", "copies"])
def test_transformers_are_fitted_once_on_the_rows(fits, last):
    X, y, proba = make_task()
    fit_student(make_pipeline(Witness(), last), X, bind(proba, y, temperature=3))
    [(rows, labels, _)] = fits
    assert_array_equal(rows, X[:, 0])
    assert_array_equal(labels, NAMES[y])


def test_the_last_step_is_fitted_by_its_own_family():
    X, y, proba = make_task()
    loss = bind(proba, y, temperature=2)
    pipeline = make_pipeline(StandardScaler(), linear())
    fitted = fit_student(pipeline, X, loss, random_state=0)
    alone = fit_student(linear(), StandardScaler().fit_transform(X), loss, random_state=0)
    assert fitted.path == "direct"
    assert_allclose(fitted.student[-1].coef_, alone.student.coef_)
    assert not hasattr(pipeline[0], "mean_")


@pytest.mark.parametrize(
    "pipeline",
    [
        make_pipeline(StandardScaler(), make_pipeline(SelectKBest(k=3), linear())),
        make_pipeline(make_pipeline(StandardScaler(), SelectKBest(k=3)), linear()),
        Pipeline([("off", "passthrough"), ("none", None), ("lr", linear())]),
        make_pipeline("passthrough", SelectKBest(k=3), linear()),
        make_pipeline(linear()),
    ],
    ids=["nested last", "nested first", "only passthrough", "passthrough", "one step"],
)
def test_any_shape_of_pipeline_is_itself_at_alpha_0(pipeline):
    X, y, proba = make_task()
    native = clone(pipeline).fit(X, NAMES[y])
    fitted = fit_student(pipeline, X, bind(proba, y, alpha=0)).student
    assert_allclose(fitted.predict_proba(X), native.predict_proba(X), atol=1e-4)
    assert repr(fitted.get_params()) == repr(native.get_params())
    assert_array_equal(fitted.classes_, NAMES)


def test_cached_transformers_are_not_fitted_again(fits, tmp_path):
    X, y, proba = make_task()
    pipeline = make_pipeline(Witness(), linear(), memory=str(tmp_path))
    for temperature in (1, 2):
        fitted = fit_student(pipeline, X, bind(proba, y, temperature=temperature)).student
    assert len(fits) == 1
    assert fitted.memory == str(tmp_path)


def test_a_student_that_selects_columns_needs_no_others_to_predict():
    X, y, proba = make_task()
    frame = pd.DataFrame(X, columns=list("abcdef"))
    select = make_column_transformer(("passthrough", ["b", "d"]))
    fitted = fit_student(make_pipeline(select, linear()), frame, bind(proba, y)).student
    assert_array_equal(fitted.predict(frame[["b", "d"]]), fitted.predict(frame))


def test_a_global_output_container_changes_nothing():
    X, y, proba = make_task()
    for pipeline in (make_pipeline(linear()), make_pipeline(StandardScaler(), linear())):
        with config_context(transform_output="pandas"):
            native = clone(pipeline).fit(X, y)
            fitted = fit_student(pipeline, X, bind(proba, y)).student
            assert vars(fitted[-1]).keys() == vars(native[-1]).keys()
            fitted.predict(X)


def test_a_list_of_texts_reaches_the_vectoriser():
    texts = ["red leaf", "green leaf", "red bark", "green bark", "red", "green"]
    proba = np.tile([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]], (3, 1))
    pipeline = make_pipeline(CountVectorizer(), linear())
    fitted = fit_student(pipeline, texts, bind(proba, alpha=1)).student
    assert_array_equal(fitted.predict(["red stem", "green stem"]), NAMES[:2])


# Rows without a hard label --------------------------------------------------------


def test_transformers_are_fitted_on_the_labelled_rows(fits):
    X, y, proba = make_task()
    some = np.where(np.arange(len(y)) % 3 == 0, -1, y)
    pipeline = make_pipeline(StandardScaler(), Witness(), linear())
    fitted = fit_student(pipeline, X, bind(proba, some, alpha=0.5)).student
    assert_array_equal(fits[0][1], NAMES[some[some >= 0]])
    assert_allclose(fitted[0].mean_, X[some >= 0].mean(axis=0))
    native = clone(pipeline).fit(X[some >= 0], NAMES[some[some >= 0]])
    fitted = fit_student(pipeline, X, bind(proba, some, alpha=0)).student
    assert_allclose(fitted.predict_proba(X), native.predict_proba(X), atol=1e-4)


def test_transformers_take_the_teachers_classes_where_no_row_has_a_label(fits):
    X, _, proba = make_task()
    pipeline = make_pipeline(Witness(), SelectKBest(k=2), linear())
    fit_student(pipeline, X, bind(proba, alpha=1))
    assert_array_equal(fits[0][1], NAMES[proba.argmax(axis=1)])


# Fit parameters -------------------------------------------------------------------


@pytest.mark.parametrize("unlabelled", [False, True])
def test_fit_parameters_reach_their_step_and_follow_its_rows(fits, unlabelled):
    X, y, proba = make_task()
    y = np.where(np.arange(len(y)) % 3 == 0, -1, y) if unlabelled else y
    tags = np.arange(len(y))
    fitted = fit_student(
        make_pipeline(Witness(), Judge()), X, bind(proba, y),
        witness__tag=10 * tags, judge__tag=100 * tags,
    ).student  # fmt: skip
    rows, _, tag = fits[0]
    assert len(rows) == np.count_nonzero(y >= 0)
    assert_array_equal(tag, 10 * rows)
    assert_array_equal(fitted[-1].tag_, 100 * fitted[-1].rows_)


@pytest.mark.parametrize("name", ["tag", "nobody__tag", "witness__nothing"])
def test_a_fit_parameter_of_no_step_is_refused(name):
    X, y, proba = make_task()
    with pytest.raises(TypeError, match=f"takes no '{name}'.* step__parameter"):
        fit_student(make_pipeline(Witness(), Judge()), X, bind(proba, y), **{name: 1})


def test_metadata_are_routed_as_the_steps_request(fits):
    X, y, proba = make_task()
    tags = np.arange(len(y))
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(
            Witness().set_fit_request(tag="first"),
            Judge().set_fit_request(tag="last", X_val=False),
        )
        fitted = fit_student(pipeline, X, bind(proba, y), first=tags, last=100 * tags).student
    assert_array_equal(fits[0][2], tags)
    assert_array_equal(fitted[-1].tag_, 100 * fitted[-1].rows_)


@pytest.mark.parametrize("in_a_tuple", [False, True])
def test_validation_rows_are_seen_through_the_transformers(in_a_tuple):
    X, y, proba = make_task()
    given = (X[:7],) if in_a_tuple else X[:7]
    with config_context(enable_metadata_routing=True):
        last = Judge().set_fit_request(X_val=True)
        pipeline = make_pipeline(StandardScaler(), last, transform_input=["X_val"])
        fitted = fit_student(pipeline, X, bind(proba, y), X_val=given).student
    seen = fitted[-1].X_val_[0] if in_a_tuple else fitted[-1].X_val_
    assert_allclose(seen, StandardScaler().fit(X).transform(X[:7]))


# Refusals and the search space ----------------------------------------------------


def test_a_pipeline_without_a_classifier_is_refused():
    X, y, proba = make_task()
    for last in ("passthrough", None):
        with pytest.raises(ValueError, match=r"'last'.* must be a classifier"):
            fit_student(Pipeline([("scale", StandardScaler()), ("last", last)]), X,
                        bind(proba, y))  # fmt: skip


def test_a_refusal_inside_a_pipeline_is_the_last_word():
    X, y, proba = make_task()

    class Undecided(Judge):
        predict_proba = property()

    with pytest.raises(Unsupported, match=r"predict_proba, which Undecided lacks"):
        fit_student(make_pipeline(Undecided()), X, bind(proba, y, temperature=2))


def test_the_search_space_is_that_of_the_last_step_under_its_name():
    inner = search_space(linear())
    nested = search_space(make_pipeline(StandardScaler(), make_pipeline(linear())))
    assert inner
    assert nested == {f"pipeline__logisticregression__{k}": v for k, v in inner.items()}
