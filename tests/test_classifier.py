"""DistilledClassifier as its users meet it: composed, searched, routed, refused."""

import pickle
import re
import shutil
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
)
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import estimator_html_repr, get_tags
from tasks import Counted

from skdistill import DistilledClassifier

X, CODES = load_iris(return_X_y=True)
Y = np.array(["setosa", "versicolor", "virginica"])[CODES]
FOREST = RandomForestClassifier(10, random_state=0)
TREE = DecisionTreeClassifier(max_depth=3, random_state=0)
LR = make_pipeline(StandardScaler(), LogisticRegression())


def distilled(teacher=FOREST, student=TREE, **options):
    return DistilledClassifier(teacher, student, **options)


@pytest.fixture
def counted():
    Counted.fits = Counted.rows = 0
    return Counted()


# What comes out


def test_the_student_is_plain_and_the_attributes_are_there():
    model = distilled(student=LogisticRegression(max_iter=1000)).fit(X, Y)
    assert type(model.student_) is LogisticRegression
    assert_array_equal(model.student_.classes_, model.classes_)
    assert (model.n_features_in_, model.fit_path_) == (4, "direct")
    assert model.teacher_.predict(X).shape == Y.shape
    assert set(model.loss_curve_) == {"soft", "hard", "total"}
    assert_allclose(model.loss_curve_["total"][-1], model.loss_.total, atol=1e-3)
    assert model.loss_.total == pytest.approx(2 * model.loss_.soft + 0.5 * model.loss_.hard)
    for method in ("predict_proba", "predict_log_proba", "decision_function"):
        assert_array_equal(getattr(model, method)(X), getattr(model.student_, method)(X))
    assert model.score(X, Y) > 0.9


def test_defaults_distil_a_forest_of_300_into_a_tree_of_depth_6():
    model = DistilledClassifier(random_state=0).fit(X, Y)
    assert len(model.teacher_.estimators_) == 300
    assert type(model.student_) is DecisionTreeClassifier
    assert model.student_.get_params()["max_depth"] == 6


def test_alpha_zero_is_the_plain_student():
    model = distilled(alpha=0).fit(X, Y)
    assert_array_equal(model.predict_proba(X), clone(TREE).fit(X, Y).predict_proba(X))


def test_methods_are_the_student_s():
    assert not hasattr(distilled(), "decision_function")
    assert hasattr(distilled(student=LR), "decision_function")
    model = distilled(student=Perceptron(), temperature=1)
    assert not hasattr(model, "predict_proba")
    assert not hasattr(model.fit(X, Y), "loss_")


def test_unfitted_methods_say_so():
    for method in ("predict", "predict_proba", "predict_log_proba"):
        with pytest.raises(NotFittedError):
            getattr(distilled(), method)(X)
    with pytest.raises(AttributeError, match="teacher_ is absent"):
        _ = distilled().teacher_


def test_one_random_state_fixes_teacher_and_student():
    def fitted(seed):
        student = DecisionTreeClassifier(max_features=1, max_depth=4)
        model = distilled(RandomForestClassifier(5), student, random_state=seed).fit(X, Y)
        assert model.student_.random_state is None
        return model.predict_proba(X)

    assert_array_equal(fitted(0), fitted(0))
    assert np.abs(fitted(0) - fitted(1)).max() > 0


def test_the_repr_shows_both_and_links_to_the_documentation():
    html = estimator_html_repr(distilled())
    assert "RandomForestClassifier" in html
    assert "DecisionTreeClassifier" in html
    assert "skdistill" in html


def test_verbose_reports_the_steps_and_silence_is_the_default(capsys):
    distilled().fit(X, Y)
    assert capsys.readouterr().out == ""
    distilled(verbose=1).fit(X, Y)
    assert capsys.readouterr().out.count("[DistilledClassifier]") == 2


def test_verbose_reports_each_fold_of_the_teacher(capfd):
    distilled(cv=3).fit(X, Y)
    assert capfd.readouterr().err == ""
    distilled(cv=3, verbose=1).fit(X, Y)
    said = capfd.readouterr().err
    assert all(re.search(rf"Done +{fold} .*elapsed: ", said) for fold in (1, 2, 3))


def test_pickling_brings_the_teacher_out_of_the_cache(tmp_path):
    model = distilled(memory=str(tmp_path / "cache")).fit(X, Y)
    model = pickle.loads(pickle.dumps(distilled(memory=str(tmp_path / "cache")).fit(X, Y)))
    for file in tmp_path.rglob("*.pkl"):
        file.unlink()
    assert len(model.teacher_.estimators_) == 10


# Where soft labels come from


def test_a_bare_fitted_teacher_is_fitted_again_with_a_warning():
    with pytest.warns(UserWarning, match="FrozenEstimator") as caught:
        model = distilled(GaussianNB().fit(X[:100], Y[:100])).fit(X, Y)
    assert len(caught) == 1
    assert len(model.teacher_.classes_) == 3


def test_a_fitted_teacher_in_a_list_is_told_of_too():
    members = [("nb", GaussianNB().fit(X, Y)), ("lr", LR)]
    with pytest.warns(UserWarning, match="teacher=GaussianNB is fitted already"):
        distilled(members).fit(X, Y)


def test_a_frozen_teacher_is_asked_as_it_is(counted):
    frozen = FrozenEstimator(counted.fit(X, Y))
    model = distilled(frozen).fit(X, Y)
    assert model.teacher_ is frozen
    assert Counted.fits == 1


def test_precomputed_labels_call_no_teacher(counted):
    proba = GaussianNB().fit(X, Y).predict_proba(X)
    model = distilled(counted).fit(X, Y, teacher_proba=proba)
    assert Counted.fits == 0
    assert not hasattr(model, "teacher_")
    expected = distilled(FrozenEstimator(GaussianNB().fit(X, Y))).fit(X, Y)
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))


def test_prediction_never_asks_the_teacher(counted):
    model = distilled(counted).fit(X, Y)
    scored = Counted.rows
    model.predict_proba(X)
    assert Counted.rows == scored == len(X)


def test_teacher_and_student_know_the_user_s_labels():
    weight = {"setosa": 1, "versicolor": 5, "virginica": 1}
    model = distilled(
        RandomForestClassifier(10, class_weight=weight, random_state=0),
        DecisionTreeClassifier(max_depth=2, class_weight=weight),
    ).fit(X, Y)
    assert_array_equal(model.teacher_.classes_, np.unique(Y))
    assert model.student_.class_weight == weight
    assert (model.predict(X) == "versicolor").sum() >= 50


@pytest.mark.parametrize(
    ("package", "name", "options"),
    [
        ("xgboost", "XGBClassifier", {"n_estimators": 2}),
        (
            "catboost",
            "CatBoostClassifier",
            {"iterations": 2, "verbose": 0, "allow_writing_files": False},
        ),
    ],
)
@pytest.mark.parametrize("y", [CODES == 1, CODES.astype(float)], ids=["bool", "float"])
def test_predictions_have_the_type_and_shape_of_the_labels(package, name, options, y):
    student = getattr(pytest.importorskip(package), name)(**options)
    predicted = distilled(student=student).fit(X, y).predict(X)
    assert (predicted.dtype, predicted.shape) == (y.dtype, y.shape)


def test_probabilities_of_the_rows_in_another_order_are_refused():
    names = pd.Index([f"row {i}" for i in range(150)])
    frame = pd.DataFrame(X, index=names)
    proba = pd.DataFrame(np.eye(3)[CODES], columns=np.unique(Y), index=names)
    shuffled = proba.sample(frac=1, random_state=0)
    with pytest.raises(ValueError, match=r"teacher_proba.loc\[X.index\]"):
        distilled().fit(frame, Y, teacher_proba=shuffled)
    right = distilled().fit(frame, Y, teacher_proba=shuffled.loc[names])
    by_position = distilled().fit(frame, Y, teacher_proba=proba.reset_index(drop=True))
    assert_array_equal(right.predict_proba(frame), by_position.predict_proba(frame))


def test_an_index_whose_labels_have_no_order_is_compared_too():
    names = pd.Index([0, "a"] * 75)
    frame, proba = pd.DataFrame(X, index=names), pd.DataFrame(np.eye(3)[CODES], index=names)
    assert distilled().fit(frame, Y, teacher_proba=proba).score(frame, Y) > 0.9
    with pytest.raises(ValueError, match="another order"):
        distilled().fit(frame, Y, teacher_proba=proba.set_axis(names[::-1]))


def test_probabilities_with_columns_in_another_order_are_noticed():
    proba = 0.1 / 3 + 0.9 * np.eye(3)[CODES]
    with pytest.warns(
        UserWarning, match="has a log-loss of .* if its columns were those of"
    ) as told:
        distilled().fit(X, Y, teacher_proba=proba[:, [0, 2, 1]])
    assert told[0].filename == __file__
    named = pd.DataFrame(proba[:, [0, 2, 1]], columns=np.unique(Y)[[0, 2, 1]])
    assert distilled().fit(X, Y, teacher_proba=named).score(X, Y) > 0.9
    noise = np.random.default_rng(0).dirichlet(np.ones(3), 150)
    distilled().fit(X, Y, teacher_proba=noise)


def test_an_error_says_whether_teacher_or_student_made_it():
    text = pd.DataFrame(X).assign(kind=Y)
    head = make_column_transformer((OneHotEncoder(), ["kind"]), remainder="passthrough")
    for teacher, student, role in (
        (BaggingClassifier(TREE, 2), make_pipeline(head, TREE), "teacher=BaggingClassifier"),
        (make_pipeline(head, FOREST), BaggingClassifier(TREE, 2), "student=BaggingClassifier"),
    ):
        with pytest.raises(ValueError, match="setosa") as told:
            distilled(teacher, student).fit(text.set_axis(map(str, text), axis=1), Y)
        assert role in told.value.__notes__[-1]


def test_a_torch_like_teacher_comes_through_teacher_proba_of_float32():
    proba = GaussianNB().fit(X, Y).predict_proba(X).astype(np.float32)
    assert distilled().fit(X, Y, teacher_proba=proba).score(X, Y) > 0.9


# Composition


def test_cross_validation_by_accuracy_and_log_loss():
    assert cross_val_score(distilled(), X, Y, n_jobs=2).mean() > 0.9
    scores = cross_val_score(distilled(student=LR), X, Y, scoring="neg_log_loss")
    assert scores.mean() > -0.5


def test_grid_search_inside_a_pipeline_over_whole_students():
    pipeline = Pipeline([("scale", StandardScaler()), ("kd", distilled())])
    grid = [
        {"kd__temperature": [1, 3], "kd__alpha": [0, 1], "kd__student__max_depth": [2, 4]},
        {"kd__student": [LogisticRegression(), GaussianNB()]},
    ]
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2, error_score="raise").fit(X, Y)
    assert search.best_score_ > 0.9
    assert len(search.cv_results_["params"]) == 10


def test_with_memory_a_grid_fits_the_teacher_once_a_fold(counted, tmp_path):
    grid = {"temperature": [0.5, 1, 2, 4], "alpha": [0.2, 0.5, 0.8, 1]}
    search = GridSearchCV(distilled(counted, LR, memory=str(tmp_path)), grid, cv=3)
    search.fit(X, Y)
    assert Counted.fits == 4
    assert Counted.rows == 3 * len(X)  # 2/3 of the rows a fold, and all for the refit


@pytest.mark.parametrize("routing", [False, True])
def test_cross_validation_slices_precomputed_labels(routing, counted):
    folds = cross_val_predict(GaussianNB(), X, Y, method="predict_proba")
    with sklearn.config_context(enable_metadata_routing=routing):
        model = distilled(counted)
        if routing:
            model.set_fit_request(teacher_proba=True)
        search = GridSearchCV(model, {"alpha": [0.5, 1]}, cv=3)
        search.fit(X, Y, teacher_proba=pd.DataFrame(folds, columns=np.unique(Y)))
    assert Counted.fits == 0
    assert search.best_score_ > 0.9


def test_other_meta_estimators_take_it_in():
    X2, Y2 = X[CODES < 2], Y[CODES < 2]
    model = distilled(student=TREE)
    assert (
        StackingClassifier([("kd", model), ("nb", GaussianNB())]).fit(X, Y).score(X, Y) > 0.9
    )
    assert CalibratedClassifierCV(model, cv=2).fit(X, Y).score(X, Y) > 0.9
    assert TunedThresholdClassifierCV(model, cv=2).fit(X2, Y2).score(X2, Y2) > 0.9
    assert VotingClassifier([("kd", model)], voting="soft").fit(X, Y).score(X, Y) > 0.9


def test_a_stack_that_cannot_yet_say_what_it_predicts_is_a_student():
    stack = StackingClassifier([("nb", GaussianNB()), ("tree", TREE)], cv=3)
    model = distilled(student=stack).fit(X, Y)
    assert type(model.student_) is StackingClassifier
    assert model.score(X, Y) > 0.9


def test_a_distilled_classifier_teaches_another():
    chain = distilled(distilled(FOREST, HistGradientBoostingClassifier(max_iter=5)), TREE)
    model = chain.fit(X, Y)
    assert type(model.teacher_.student_) is HistGradientBoostingClassifier
    assert model.score(X, Y) > 0.9


def test_clones_fitted_in_threads_share_nothing():
    model = distilled(random_state=0)
    expected = clone(model).fit(X, Y).predict_proba(X)
    with ThreadPoolExecutor(4) as pool:
        fitted = list(pool.map(lambda _: clone(model).fit(X, Y), range(8)))
    for one in fitted:
        assert_array_equal(one.predict_proba(X), expected)
    assert len({id(one.student_) for one in fitted}) == 8
    assert not hasattr(TREE, "tree_")


# Metadata


def test_weights_reach_the_loss_and_the_teacher():
    weight = np.random.default_rng(0).integers(1, 4, len(Y))
    weighted = distilled(GaussianNB(), LR).fit(X, Y, sample_weight=weight)
    X2, Y2 = np.repeat(X, weight, axis=0), np.repeat(Y, weight)
    # StandardScaler sees no weights, natively either
    student = LogisticRegression(tol=1e-10, max_iter=5000)
    weighted = distilled(GaussianNB(), student).fit(X, Y, sample_weight=weight)
    repeated = distilled(GaussianNB(), student).fit(X2, Y2)
    assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize("shape", [lambda t: t, lambda t: [("t", t)]], ids=["bare", "list"])
def test_weights_reach_the_last_step_of_a_teacher_s_pipeline(shape):
    weight = np.where(CODES == 1, 5.0, 1.0)
    teacher = make_pipeline(StandardScaler(), GaussianNB())
    model = distilled(shape(teacher)).fit(X, Y, sample_weight=weight)
    expected = clone(teacher).fit(X, Y, gaussiannb__sample_weight=weight)
    assert_allclose(model.teacher_.predict_proba(X), expected.predict_proba(X), rtol=1e-12)


def test_a_teacher_without_weights_is_told_of_once():
    with pytest.warns(UserWarning, match="names no sample_weight") as caught:
        distilled(KNeighborsClassifier()).fit(X, Y, sample_weight=np.ones(len(Y)))
    assert len(caught) == 1


def test_weights_beside_given_labels_say_nothing_of_a_teacher():
    given = {"sample_weight": np.ones(len(Y)), "teacher_proba": np.full((len(Y), 3), 1 / 3)}
    model = distilled(KNeighborsClassifier()).fit(X, Y, **given)  # warnings are errors
    assert model.loss_.hard > 0


def test_unlabelled_rows_of_another_library_are_refused_by_name():
    frame = pd.DataFrame(X, columns=list("abcd"))
    with pytest.raises(ValueError, match=r"of X, pandas.DataFrame, got polars.DataFrame"):
        distilled().fit(frame, Y, X_unlabeled=pl.from_pandas(frame[:20]))


def test_n_jobs_may_be_an_integer_of_numpy():
    one, other = (distilled(cv=3, n_jobs=n, random_state=0) for n in (np.int64(1), 1))
    assert_array_equal(one.fit(X, Y).predict_proba(X), other.fit(X, Y).predict_proba(X))


def test_metadata_routing_hands_weights_to_those_who_ask():
    weight = np.where(CODES == 1, 5.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        teacher = GaussianNB().set_fit_request(sample_weight=False)
        student = LogisticRegression(max_iter=1000).set_fit_request(sample_weight=True)
        model = distilled(teacher, student).set_fit_request(sample_weight=True)
        scale = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scale, model).fit(X, Y, sample_weight=weight)
        plain = make_pipeline(scale, clone(model)).fit(X, Y)
    assert_allclose(
        pipeline[-1].teacher_.class_prior_, plain[-1].teacher_.class_prior_, rtol=1e-12
    )
    assert pipeline.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean() + 0.01


def test_fit_parameters_reach_a_student_pipeline_s_steps():
    weight = np.ones(len(Y))
    model = distilled(student=LR).fit(X, Y, standardscaler__sample_weight=weight)
    assert_allclose(model.predict_proba(X), distilled(student=LR).fit(X, Y).predict_proba(X))


# Containers


def titanic_like(n=200):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": np.where(rng.uniform(size=n) < 0.1, np.nan, rng.normal(40, 10, n)),
            "port": pd.Categorical(rng.choice(["C", "Q", "S"], n)),
        }
    )
    return frame, np.where((frame["port"] == "C") ^ (rng.uniform(size=n) < 0.1), "yes", "no")


def test_frames_with_categories_and_nan_reach_those_who_take_them():
    frame, y = titanic_like()
    boosting = HistGradientBoostingClassifier(max_iter=10, categorical_features="from_dtype")
    encode = make_column_transformer(
        (OneHotEncoder(), make_column_selector(dtype_include="category")),
        remainder="passthrough",
    )
    model = distilled(boosting, make_pipeline(encode, TREE)).fit(frame, y)
    assert model.score(frame, y) > 0.8
    assert_array_equal(model.feature_names_in_, ["age", "port"])
    tags = get_tags(distilled(boosting, clone(boosting))).input_tags
    assert tags.allow_nan
    assert not get_tags(distilled(boosting, LogisticRegression())).input_tags.allow_nan


def test_polars_frames_pass_through_untouched():
    frame = pl.DataFrame(dict(zip("abcd", X.T, strict=True)))
    model = distilled(GaussianNB(), LR).fit(frame, Y)
    native = GaussianNB().fit(frame, Y)  # not every release reads names from polars
    assert hasattr(model, "feature_names_in_") == hasattr(native, "feature_names_in_")
    expected = distilled(GaussianNB(), LR).fit(X, Y).predict_proba(X)
    assert_allclose(model.predict_proba(frame), expected)


@pytest.mark.parametrize("column", [pd.Series, pl.Series, list])
def test_labels_and_weights_may_be_columns_of_a_frame(column):
    weight = np.where(CODES == 1, 5.0, 1.0)
    model = distilled().fit(X, column(Y.tolist()), sample_weight=column(weight.tolist()))
    expected = distilled().fit(X, Y, sample_weight=weight).predict_proba(X)
    assert_array_equal(model.predict_proba(X), expected)


@pytest.mark.parametrize("student", [LogisticRegression(tol=1e-8, max_iter=1000), TREE])
def test_sparse_rows_give_what_dense_rows_give(student):
    teacher = RandomForestClassifier(10, random_state=0)
    dense = distilled(teacher, student).fit(X, Y).predict_proba(X)
    sparse = distilled(teacher, student).fit(csr_array(X), Y).predict_proba(csr_array(X))
    assert_allclose(sparse, dense, atol=1e-4)


def test_lists_of_text_reach_a_vectoriser():
    text = ["good fine great", "bad poor awful", "great good", "awful bad"] * 10
    y = np.array(["up", "down", "up", "down"] * 10)
    teacher = make_pipeline(CountVectorizer(), MultinomialNB())
    student = make_pipeline(CountVectorizer(), LogisticRegression())
    model = distilled(teacher, student, cv=5).fit(text, y)
    assert model.score(text, y) == 1
    assert_array_equal(model.predict(["good", "bad"]), ["up", "down"])


def test_a_student_that_selects_columns_predicts_without_the_others():
    frame = pd.DataFrame(X, columns=list("abcd"))
    select = make_column_transformer(("passthrough", ["c", "d"]))
    model = distilled(FOREST, make_pipeline(select, TREE)).fit(frame, Y)
    assert_array_equal(model.student_.predict(frame[["c", "d"]]), model.predict(frame))


def test_a_supervised_selection_sees_the_labels():
    model = distilled(student=make_pipeline(SelectKBest(k=2), TREE)).fit(X, Y)
    assert_array_equal(model.student_[0].get_support(), [False, False, True, True])


# What is refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": -0.1}, "'alpha' parameter"),
        ({"alpha": 1.1}, "'alpha' parameter"),
        ({"alpha": np.nan}, "'alpha' parameter"),
        ({"temperature": 0}, "'temperature' parameter"),
        ({"temperature": -1.0}, "'temperature' parameter"),
        ({"temperature": np.nan}, "'temperature' parameter"),
        ({"temperature": np.inf}, "'temperature' parameter"),
        ({"teacher": "forest"}, "'teacher' parameter"),
        ({"student": "tree"}, "'student' parameter"),
        ({"teacher": StandardScaler()}, "teacher=StandardScaler gives no probabilities"),
        (
            {"teacher": VotingClassifier([("nb", GaussianNB())])},
            "teacher=VotingClassifier gives no probabilities",
        ),
        (
            {"student": GridSearchCV(TREE, {"max_depth": [1]})},
            "put the search outside",
        ),
        ({"student": Perceptron()}, "temperature=2.0 needs a student with predict_proba"),
    ],
)
def test_bad_parameters_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        distilled(**options).fit(X, Y)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.zeros(150)}, "one class"),
        ({"y": np.linspace(0, 1, 150)}, "continuous"),
        ({"y": Y[:100]}, "inconsistent numbers"),
        ({"y": None}, "requires y"),
        ({"sample_weight": -np.ones(150)}, "[Nn]egative"),
        ({"sample_weight": np.zeros(150)}, "sample_weight is zero for every row"),
        ({"sample_weight": np.ones(100)}, "inconsistent numbers"),
        ({"sample_weight": np.full(150, np.nan)}, "NaN"),
        ({"X": X[:0], "y": Y[:0]}, "0 sample"),
        ({"X": X[:, :0]}, "0 feature"),
        ({"X": X[:, 0]}, "Reshape your data"),
        ({"teacher_proba": np.full((150, 2), 0.5)}, "teacher_proba has shape"),
        ({"teacher_proba": np.full((100, 3), 1 / 3)}, "inconsistent numbers"),
        ({"teacher_proba": np.full((150, 3), np.nan)}, "teacher_proba .* NaN"),
        ({"teacher_proba": np.tile([2, -1, 0], (150, 1))}, "teacher_proba .* negative"),
        ({"teacher_proba": np.ones((150, 3))}, "teacher_proba .* sum to 1"),
    ],
)
def test_bad_rows_are_named_before_the_teacher_is_fitted(change, message, counted):
    given = {"X": X, "y": Y, **change}
    with pytest.raises(ValueError, match=message):
        distilled(counted).fit(**given)
    assert Counted.fits == 0


@pytest.mark.parametrize(
    ("student", "name", "message"),
    [
        (TREE, "groups", "student=DecisionTreeClassifier takes no 'groups'.* routing"),
        (LR, "sample_wieght", "student=Pipeline takes no 'sample_wieght'"),
        (LR, "logisticregression__sample_weight", "belongs to the loss"),
    ],
)
def test_fit_parameters_of_nobody_are_named_before_the_teacher_is_fitted(
    student, name, message, counted
):
    with pytest.raises(TypeError, match=message):
        distilled(counted, student).fit(X, Y, **{name: np.ones(150)})
    assert Counted.fits == 0


def test_a_frozen_teacher_that_was_never_fitted_is_refused():
    with pytest.raises(NotFittedError, match="never fitted"):
        distilled(FrozenEstimator(GaussianNB())).fit(X, Y)


def test_a_frozen_teacher_that_lacks_a_class_is_refused():
    rows = CODES < 2
    frozen = FrozenEstimator(GaussianNB().fit(X[rows], Y[rows]))
    with pytest.raises(ValueError, match=r"does not know the classes .*virginica"):
        distilled(frozen).fit(X, Y)


def test_other_features_at_predict_are_refused():
    model = distilled().fit(pd.DataFrame(X, columns=list("abcd")), Y)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(pd.DataFrame(X, columns=list("abce")))
    with pytest.raises(ValueError, match="3 features"):
        distilled().fit(X, Y).predict(X[:, :3])


def test_a_failed_fit_leaves_no_stale_teacher_behind():
    model = distilled().fit(X, Y)
    proba = GaussianNB().fit(X, Y).predict_proba(X)
    model.fit(X, Y, teacher_proba=proba)
    assert not hasattr(model, "teacher_")


def test_binary_labels_of_a_real_set_are_distilled_better_than_chance():
    X, y = load_breast_cancer(return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = cross_val_score(distilled(student=LR), X, y == 1, scoring="roc_auc")
    assert scores.mean() > 0.98


# Found by use


def weighted_loss_of(requests):
    """Student pipelines under routing at alpha 0, against the native fit."""
    weight = np.where(CODES == 1, 9.0, 1.0)
    scale = StandardScaler().set_fit_request(sample_weight=requests[0])
    last = LogisticRegression(tol=1e-8, max_iter=1000)
    student = make_pipeline(scale, last.set_fit_request(sample_weight=requests[1]))
    teacher = GaussianNB().set_fit_request(sample_weight=False)
    model = distilled(teacher, student, alpha=0).set_fit_request(sample_weight=True)
    model.fit(X, Y, sample_weight=weight)
    native = clone(student).fit(X, Y, **({"sample_weight": weight} if any(requests) else {}))
    return model.student_, native


@pytest.mark.parametrize("requests", [(True, False), (True, True), (False, True)])
def test_routed_weights_of_a_pipeline_go_where_its_steps_ask(requests):
    with sklearn.config_context(enable_metadata_routing=True):
        student, native = weighted_loss_of(requests)
    assert_allclose(student[0].mean_, native[0].mean_, rtol=1e-12)
    assert_allclose(student[1].coef_, native[1].coef_, atol=1e-4)


def test_defaults_and_lists_of_teachers_take_routed_weights():
    weight = np.where(CODES == 1, 5.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        model = DistilledClassifier([("nb", GaussianNB())], random_state=0)
        model.fit(X, Y, sample_weight=weight)
    assert model.teacher_.estimators_[0].class_prior_[1] > 0.6


def test_a_class_weight_inside_a_composed_student_is_refused_by_name():
    vote = VotingClassifier(
        [("lr", LogisticRegression(class_weight="balanced"))], voting="soft"
    )
    with pytest.raises(ValueError, match="class_weight='balanced' of LogisticRegression"):
        distilled(student=vote).fit(X, Y)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"student": Perceptron()}, "needs a student with predict_proba"),
        ({"student": GridSearchCV(TREE, {"max_depth": [1]})}, "put the search outside"),
        ({"student": FrozenEstimator(GaussianNB().fit(X, Y))}, "is never fitted"),
        ({"student": DecisionTreeClassifier(max_depth=-1)}, "'max_depth' parameter"),
        ({"student": HistGradientBoostingRegressor()}, "is not a classifier"),
        ({"teacher": []}, "list of teachers"),
        ({"teacher": [GaussianNB()]}, "list of teachers"),
        ({"teacher": [("nb", GaussianNB(), 0.0)]}, "all 0"),
        ({"teacher": [("p", StandardScaler())]}, "gives no probabilities"),
        ({"cv": GroupKFold(3)}, "groups"),
        ({"cv": []}, "no split"),
    ],
)
def test_what_cannot_be_done_is_refused_before_the_teacher_is_fitted(
    options, message, counted
):
    with pytest.raises(ValueError, match=message):
        distilled(**{"teacher": counted, **options}).fit(X, Y)
    assert Counted.fits == 0


def test_a_failed_fit_leaves_an_unfitted_model():
    model = distilled().fit(X, Y)
    with pytest.raises(ValueError, match="one class"):
        model.fit(X, np.zeros(len(X)))
    with pytest.raises(NotFittedError):
        model.predict(X)


def test_a_cache_that_is_gone_costs_the_teacher_only(tmp_path):
    model = distilled(memory=str(tmp_path)).fit(X, Y)
    shutil.rmtree(tmp_path)
    with pytest.raises(AttributeError, match="no longer there"):
        _ = model.teacher_
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))


def test_a_default_range_of_columns_is_a_position_not_a_name():
    proba = pd.DataFrame(GaussianNB().fit(X, Y).predict_proba(X))
    model = distilled().fit(X, CODES + 1, teacher_proba=proba)
    assert model.score(X, CODES + 1) > 0.9


# Leaves and trees for one another ---------------------------------------------

SMALL_FOREST = RandomForestClassifier(5, max_depth=3, random_state=0)
REFINED = "direct+complementary+together"


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"cv": 3}, REFINED),
        ({"cv": "oob", "teacher": RandomForestClassifier(40, random_state=0)}, REFINED),
        ({}, "direct"),  # the teacher learned the rows that it labels
        ({"transfer": "munge", "transfer_size": 0.5}, "direct"),
        ({"transfer": "munge", "transfer_size": 1.0}, REFINED),
        ({"cv": 3, "refine": False}, "direct"),
        ({"refine": True}, REFINED),
        ({"cv": 3, "alpha": 0}, "direct"),
        ({"cv": 3, "student": TREE}, "direct"),
        ({"cv": 3, "student": clone(SMALL_FOREST).set_params(oob_score=True)}, "direct"),
        ({"cv": 3, "student": make_pipeline(StandardScaler(), SMALL_FOREST)}, REFINED),
    ],
)
@pytest.mark.filterwarnings("ignore:Some inputs do not have OOB scores")
def test_refine_auto_refines_where_it_was_measured_to_pay(options, path):
    options = {"student": SMALL_FOREST, "random_state": 0} | options
    assert distilled(**options).fit(X, Y).fit_path_ == path


def test_given_labels_may_be_of_rows_that_their_teacher_learned():
    proba = clone(FOREST).fit(X, Y).predict_proba(X)
    model = distilled(student=SMALL_FOREST, random_state=0)
    assert model.fit(X, Y, teacher_proba=proba).fit_path_ == "direct"
    model.set_params(refine=True).fit(X, Y, teacher_proba=proba)
    assert model.fit_path_ == REFINED


def test_auto_does_not_refine_by_a_list_with_a_frozen_teacher():
    frozen = FrozenEstimator(clone(FOREST).fit(X, Y))
    teachers = [("frozen", frozen), ("bayes", GaussianNB())]
    model = distilled(teachers, SMALL_FOREST, cv=3, random_state=0).fit(X, Y)
    assert model.fit_path_ == "direct"


def test_the_loss_curve_ends_at_the_loss_of_a_refined_student():
    model = distilled(student=SMALL_FOREST, cv=3, random_state=0).fit(X, Y)
    assert model.loss_curve_["total"][-1] == pytest.approx(model.loss_.total)
    assert model.loss_curve_["total"][-1] < model.loss_curve_["total"][0]


def test_a_student_that_cannot_be_refined_is_named_before_any_fit(counted):
    for student in (GaussianNB(), make_pipeline(StandardScaler(), GaussianNB())):
        with pytest.raises(ValueError, match=r"refine=True .* GaussianNB"):
            distilled(counted, student, refine=True, temperature=1).fit(X, Y)
    assert Counted.fits == 0
    with pytest.raises(ValueError, match="'refine' parameter"):
        distilled(refine="always").fit(X, Y)


def test_a_refined_forest_is_of_the_size_of_a_forest():
    limits = {"max_leaf_nodes": 6, "max_depth": 4}
    student = clone(SMALL_FOREST).set_params(**limits)
    model = distilled(student=student, cv=3, random_state=0).fit(X, Y)
    assert all(
        tree.get_n_leaves() <= 6 and tree.get_depth() <= 4
        for tree in model.student_.estimators_
    )
    assert model.student_.get_params() == student.get_params()
