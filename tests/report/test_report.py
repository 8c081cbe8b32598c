"""The report: its numbers are scikit-learn's, its differences paired, its verdict honest."""

import json
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.special import expit
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    f1_score,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier
from skdistill.footprint import n_bytes
from skdistill.metrics import (
    Retention,
    agreement,
    calibration_line,
    combined_loss,
    kl_divergence,
    ks_distance,
    log_loss_by_row,
    retention,
    swap_share,
)
from skdistill.report import DistillationReport, aligned, distillation_report, verdict

TREE = DecisionTreeClassifier(max_depth=4, random_state=0)
MODELS = ["teacher", "plain", "distilled"]


def cancer():
    """Named outcomes, and a column of text that only the report reads."""
    data = load_breast_cancer(as_frame=True)
    size = pd.cut(data.data["mean radius"], [0, 12, 15, 99], labels=["S", "M", "L"])
    X = data.data.assign(size=size.astype(str))
    return train_test_split(X, data.target_names[data.target], random_state=0)


def numbers():
    return make_column_transformer(
        ("passthrough", make_column_selector(dtype_include="number"))
    )


X, X_TEST, Y, Y_TEST = cancer()
HEAD = numbers().fit(X)
CLASSES = np.array(["benign", "malignant"])


@pytest.fixture(scope="module")
def model():
    teacher = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
    kd = DistilledClassifier(teacher, TREE, temperature=3.0, alpha=0.8)
    return make_pipeline(numbers(), kd).fit(X, Y)


@pytest.fixture(scope="module")
def report(model):
    return distillation_report(model, X_TEST, Y_TEST, X_train=X, y_train=Y, by="size")


@pytest.fixture(scope="module")
def probas(model):
    """By model, without the report's help."""
    rows = HEAD.transform(X_TEST)
    return {
        "teacher": model[-1].teacher_.predict_proba(rows),
        "plain": clone(TREE).fit(HEAD.transform(X), Y).predict_proba(rows),
        "distilled": model[-1].student_.predict_proba(rows),
    }


@pytest.mark.parametrize("name", MODELS)
def test_quality_of_two_classes_is_scikit_learns(report, probas, name):
    proba = probas[name]
    predicted, score = CLASSES[proba.argmax(axis=1)], proba[:, 1]
    positive = {"pos_label": "malignant"}
    expected = {
        "log_loss": log_loss(Y_TEST, proba),
        "brier": brier_score_loss(Y_TEST, score, **positive),
        "roc_auc": roc_auc_score(Y_TEST, score),
        "average_precision": average_precision_score(Y_TEST, score, **positive),
        "accuracy": accuracy_score(Y_TEST, predicted),
        "precision": precision_score(Y_TEST, predicted, **positive),
        "recall": recall_score(Y_TEST, predicted, **positive),
        "f1": f1_score(Y_TEST, predicted, **positive),
        "observed_over_expected": (Y_TEST == "malignant").sum() / score.sum(),
    }
    for metric, value in expected.items():
        assert report["test"][name][metric] == pytest.approx(value), metric


@pytest.mark.parametrize("name", MODELS)
def test_fidelity_is_measured_against_the_teacher(report, probas, name):
    teacher, proba = probas["teacher"], probas[name]
    found = report["test"][name]
    assert found["kl_to_teacher"] == pytest.approx(kl_divergence(teacher, proba), abs=1e-9)
    assert found["agreement"] == agreement(teacher, proba)
    assert found["ks_to_teacher"] == ks_distance(teacher, proba)
    assert found["swap_share"] == pytest.approx(swap_share(teacher, proba))
    line = calibration_line(Y_TEST, proba)
    assert found["calibration_slope"] == pytest.approx(line.slope)
    assert found["calibration_intercept"] == pytest.approx(line.intercept)
    loss = combined_loss(teacher, proba, Y_TEST, temperature=3.0, alpha=0.8)
    assert found["soft_loss"] == pytest.approx(loss.soft, abs=1e-9)
    assert found["combined_loss"] == pytest.approx(loss.total)


def test_differences_are_paired_and_lie_in_their_intervals(report, probas):
    gains = report["test"]["distilled - plain"]
    rng = np.random.default_rng(1)
    loss = {name: log_loss_by_row(Y_TEST, proba) for name, proba in probas.items()}
    rows = loss["distilled"] - loss["plain"]
    draws = rng.choice(rows, size=(4000, len(rows))).mean(axis=1)
    found = gains["log_loss"]
    assert found.value == pytest.approx(rows.mean())
    ends = np.quantile(draws, [0.025, 0.975])
    np.testing.assert_allclose(found[1:], ends, atol=0.2 * draws.std())
    for other in ("plain", "teacher"):
        for metric, gain in report["test"][f"distilled - {other}"].items():
            values = report["test"]["distilled"][metric], report["test"][other][metric]
            assert gain.value == pytest.approx(values[0] - values[1], abs=1e-9)
            assert gain.low <= gain.value <= gain.high


def test_the_interval_of_the_area_is_that_of_resampled_areas(report, probas):
    gain, rng = report["test"]["distilled - plain"]["roc_auc"], np.random.default_rng(2)
    positive = Y_TEST == "malignant"
    scores = [probas[name][:, 1] for name in ("distilled", "plain")]
    pairs = [np.sign(score[positive][:, None] - score[~positive]) for score in scores]
    draws = []
    for _ in range(2000):
        times = np.bincount(rng.integers(len(Y_TEST), size=len(Y_TEST)), minlength=len(Y_TEST))
        up, down = times[positive], times[~positive]
        areas = [(1 + up @ sign @ down / (up.sum() * down.sum())) / 2 for sign in pairs]
        draws.append(areas[0] - areas[1])
    ends = np.quantile(draws, [0.025, 0.975])
    np.testing.assert_allclose(gain[1:], ends, atol=0.2 * np.std(draws))


def test_the_verdict_is_that_of_the_retained_lead(report, probas):
    losses = [log_loss_by_row(Y_TEST, probas[n]) for n in ("teacher", "distilled", "plain")]
    assert report["retention"] == pytest.approx(retention(*losses))
    said = verdict(report["retention"])
    assert report["verdict"].startswith(f"DecisionTreeClassifier: {said}.")


def test_a_gain_that_comes_of_impossible_outcomes_alone_is_called_so():
    """A tree of pure leaves pays for its certainty in log-loss only."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(600, 3))
    labels = (rng.random(600) < expit(2 * rows[:, 0])).astype(int)
    grown = DecisionTreeClassifier(max_depth=5, random_state=0)
    kd = DistilledClassifier(LogisticRegression(), grown, alpha=0.2, temperature=1.0)
    kd.fit(rows[:300], labels[:300])
    found = distillation_report(
        kd, rows[300:], labels[300:], X_train=rows[:300], y_train=labels[:300]
    )
    plain = grown.fit(rows[:300], labels[:300]).predict_proba(rows[300:])
    ruled_out = np.sum(plain[np.arange(300), labels[300:]] == 0)
    assert f"rules out what happened in {ruled_out} of 300 test rows" in found["verdict"]
    assert "In Brier score and in accuracy no gain is detectable." in found["verdict"]
    seen = plain[np.arange(300), labels[300:]] > 0
    found = distillation_report(
        kd, rows[300:], labels[300:], plain=grown, sample_weight=seen.astype(float)
    )
    assert "rules out" not in found["verdict"]
    bounded = clone(grown).set_params(min_samples_leaf=30).fit(rows[:300], labels[:300])
    fair = distillation_report(kd, rows[300:], labels[300:], plain=bounded)
    assert "rules out" not in fair["verdict"]


def test_segments_are_parts_of_the_test_rows(report):
    segments = report["segments"]
    counts = [section["n_samples"] for section in segments.values()]
    assert dict(zip(segments, counts, strict=True)) == X_TEST["size"].value_counts().to_dict()
    for name in MODELS:
        losses = [section[name]["log_loss"] for section in segments.values()]
        whole = report["test"][name]["log_loss"]
        assert np.average(losses, weights=counts) == pytest.approx(whole)


def test_training_rows_have_a_part_without_differences(report, model):
    found = report["train"]
    assert set(found) == {"n_samples", *MODELS}
    assert found["distilled"]["log_loss"] == pytest.approx(log_loss(Y, model.predict_proba(X)))


def test_the_footprint_is_that_of_what_is_shipped(report, model):
    costs = report["footprint"]
    student, shipped = model[-1].student_, make_pipeline(HEAD, model[-1].student_)
    assert costs["distilled"]["n_parameters"] == student.get_n_leaves()
    assert costs["distilled"]["bytes"] == pytest.approx(n_bytes(shipped), rel=0.1)
    ratio = costs["teacher"]["bytes"] / costs["distilled"]["bytes"]
    assert costs["distilled"]["compression_ratio"] == ratio
    assert costs["teacher"]["compression_ratio"] == 1


def test_it_prints_as_tables_with_the_verdict_first(report):
    text = str(report)
    assert text == repr(report)
    assert text.startswith(report["verdict"])
    assert re.search(
        r"^test, 143 rows +teacher +plain +distilled +distilled - plain", text, re.M
    )
    for words in ("\nlog loss ", "\ntrain, 426 rows", "\nfootprint", "\nsegment, log-loss"):
        assert words in text
    assert max(map(len, text.splitlines()[1:])) < 100


def test_loggers_get_flat_numbers_and_frames_a_line_for_each_model(report):
    flat = report.to_dict()
    assert all(type(value) is float for value in flat.values())
    assert json.loads(json.dumps(flat))["test/distilled/log_loss"] > 0
    interval = report["test"]["distilled - plain"]["log_loss"]
    assert flat["test/distilled - plain/log_loss/low"] == interval.low
    assert flat["segments/S/n_samples"] == report["segments"]["S"]["n_samples"]
    frame = report.to_frame()
    assert set(frame.index.get_level_values("part")) == {
        "test", "train", "segment S", "segment M", "segment L",
    }  # fmt: skip
    for name in MODELS:
        assert frame.loc[("test", name), "brier"] == report["test"][name]["brier"]
        cost = report["footprint"][name]
        assert frame.loc[("test", name), "bytes"] == cost["bytes"]
    assert frame.loc[("test", "distilled - plain, high"), "log_loss"] == interval.high


# Models ------------------------------------------------------------------------------


def iris():
    X, codes = load_iris(return_X_y=True)
    X = X + np.random.default_rng(0).normal(scale=0.5, size=X.shape)
    y = np.array(["setosa", "versicolor", "virginica"])[codes]
    return X[::2], X[1::2], y[::2], y[1::2]


A, B, A_LABELS, B_LABELS = iris()
STUMPS = DecisionTreeClassifier(max_depth=3, random_state=0)
KD = DistilledClassifier(GaussianNB(), STUMPS).fit(A, A_LABELS)


@pytest.fixture(scope="module")
def whole():
    return distillation_report(KD, B, B_LABELS, X_train=A, y_train=A_LABELS)


def test_several_classes_have_scikit_learns_means_over_classes(whole):
    found = whole["test"]
    proba = KD.predict_proba(B)
    predicted, macro = KD.predict(B), {"average": "macro"}
    expected = {
        "brier": brier_score_loss(B_LABELS, proba),
        "roc_auc": roc_auc_score(B_LABELS, proba, multi_class="ovr"),
        "precision": precision_score(B_LABELS, predicted, **macro),
        "recall": recall_score(B_LABELS, predicted, **macro),
        "f1": f1_score(B_LABELS, predicted, **macro),
    }
    for metric, value in expected.items():
        assert found["distilled"][metric] == pytest.approx(value), metric
    for metric, gain in found["distilled - plain"].items():
        apart = found["distilled"][metric] - found["plain"][metric]
        assert gain.value == pytest.approx(apart, abs=1e-9), metric
    plain = clone(STUMPS).fit(A, A_LABELS).predict_proba(B)
    assert found["plain"]["log_loss"] == pytest.approx(log_loss(B_LABELS, plain))


def test_a_search_as_plain_student_is_tuned():
    search = GridSearchCV(STUMPS, {"max_depth": [1, 2, 3]}, scoring="neg_log_loss")
    found = distillation_report(KD, B, B_LABELS, plain=search, X_train=A, y_train=A_LABELS)
    tuned = clone(search).fit(A, A_LABELS)
    expected = log_loss(B_LABELS, tuned.predict_proba(B))
    assert found["test"]["plain"]["log_loss"] == pytest.approx(expected)
    assert not hasattr(search, "best_estimator_")
    leaves = tuned.best_estimator_.get_n_leaves()
    assert found["footprint"]["plain"]["n_parameters"] == leaves


def test_a_distilled_search_is_reported_as_its_best_estimator():
    search = GridSearchCV(KD, {"temperature": [1.0, 2.0]}, scoring="neg_log_loss", cv=3)
    search.fit(A, A_LABELS)
    found = distillation_report(search, B, B_LABELS, X_train=A, y_train=A_LABELS)
    alone = distillation_report(search.best_estimator_, B, B_LABELS)
    assert found["test"]["distilled"] == alone["test"]["distilled"]
    assert found["test"]["teacher"] == alone["test"]["teacher"]


def test_a_fitted_plain_student_needs_no_training_rows(whole):
    given = distillation_report(KD, B, B_LABELS, plain=clone(STUMPS).fit(A, A_LABELS))
    assert given["test"] == whole["test"]
    assert "train" not in given


def test_without_training_rows_there_is_no_plain_student_and_no_verdict_on_gain():
    found = distillation_report(KD, B, B_LABELS)
    assert set(found["footprint"]) == {"teacher", "distilled"}
    assert "retention" not in found
    assert "no plain student to compare with; give X_train and y_train" in str(found)


def test_integer_weights_are_repeated_rows():
    weight = np.resize([0, 1, 2, 3], len(B))
    again = np.repeat(np.arange(len(B)), weight)
    models = {"plain": clone(STUMPS).fit(A, A_LABELS)}
    found = distillation_report(KD, B, B_LABELS, sample_weight=weight, **models)
    other = distillation_report(KD, B[again], B_LABELS[again], **models)
    for name in MODELS:
        assert found["test"][name] == pytest.approx(other["test"][name], abs=1e-8), name
    assert found["retention"].value == pytest.approx(other["retention"].value)
    for metric, gain in found["test"]["distilled - plain"].items():
        expected = other["test"]["distilled - plain"][metric].value
        assert gain.value == pytest.approx(expected, abs=1e-8), metric
        assert gain.low <= gain.value <= gain.high


def test_a_weighted_interval_resamples_rows_with_their_weights():
    weight = np.random.default_rng(0).exponential(size=len(B))
    plain = clone(STUMPS).fit(A, A_LABELS)
    found = distillation_report(KD, B, B_LABELS, sample_weight=weight, plain=plain)
    losses = [log_loss_by_row(B_LABELS, model.predict_proba(B)) for model in (KD, plain)]
    rows = np.random.default_rng(1).integers(len(B), size=(4000, len(B)))
    draws = ((losses[0] - losses[1])[rows] * weight[rows]).sum(axis=1) / weight[rows].sum(
        axis=1
    )
    gain = found["test"]["distilled - plain"]["log_loss"]
    ends = np.quantile(draws, [0.025, 0.975])
    np.testing.assert_allclose(gain[1:], ends, atol=0.2 * draws.std())
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        distillation_report(KD, B, B_LABELS, sample_weight=-weight)


def test_an_undistilled_student_has_no_detectable_gain():
    same = clone(KD).set_params(alpha=0.0).fit(A, A_LABELS)
    found = distillation_report(same, B, B_LABELS, X_train=A, y_train=A_LABELS)
    assert found["retention"].value == 0
    assert "no detectable gain" in found["verdict"]
    assert all(gain == (0, 0, 0) for gain in found["test"]["distilled - plain"].values())


def test_a_perfect_student_agrees_always_and_keeps_the_whole_lead():
    teacher = KD.teacher_
    plain = DummyClassifier().fit(A, A_LABELS)
    found = distillation_report(teacher, B, B_LABELS, teacher=teacher, plain=plain)
    assert found["retention"] == pytest.approx((1, 1, 1))
    own = found["test"]["distilled"]
    assert (own["agreement"], own["swap_share"]) == (1, 0)
    assert (
        own["ks_to_teacher"] < 0.02
    )  # a row's weight: the teacher's rows are made to sum to 1
    assert "keeps 100 % of the teacher's lead" in found["verdict"]


def test_a_student_alone_is_compared_with_a_given_teacher(whole):
    found = distillation_report(
        KD.student_, B, B_LABELS, teacher=KD.teacher_, X_train=A, y_train=A_LABELS
    )
    assert found["test"] == whole["test"]


def test_a_teacher_may_have_scores_alone():
    kd = DistilledClassifier(LinearSVC(), STUMPS).fit(A, A_LABELS)
    found = distillation_report(kd, B, B_LABELS)
    assert found["test"]["teacher"]["agreement"] == 1
    assert found["footprint"]["teacher"]["latency_us"] > 0


def test_a_forest_as_teacher_is_smoothed_as_for_soft_labels():
    kd = DistilledClassifier(RandomForestClassifier(10, random_state=0), STUMPS)
    kd.fit(A, A_LABELS)
    prior = np.mean([tree.tree_.value[0, 0] for tree in kd.teacher_.estimators_], axis=0)
    smoothed = (10 * kd.teacher_.predict_proba(B) + prior) / 11
    found = distillation_report(kd, B, B_LABELS)["test"]["teacher"]["log_loss"]
    assert found == pytest.approx(log_loss(B_LABELS, smoothed))


# Segments ----------------------------------------------------------------------------


def segmented(container):
    codes = np.resize([0, 1, 2, 2], len(B))
    if container is np.asarray:
        return np.column_stack([B, codes]), 4
    names = ["a", "b", "c", "d", "part"]
    return container(dict(zip(names, [*B.T, codes], strict=True))), "part"


@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame, pl.DataFrame])
def test_any_container_can_be_cut_by_a_column(container):
    rows, by = segmented(container)
    kd = DistilledClassifier(GaussianNB(), STUMPS).fit(rows, B_LABELS)
    found = distillation_report(kd, rows, B_LABELS, by=by)["segments"]
    assert [section["n_samples"] for section in found.values()] == [19, 19, 37]


def test_a_segment_of_one_row_or_one_class_is_reported_as_far_as_it_goes():
    rows = np.column_stack([B, B_LABELS == "setosa"]).astype(float)
    rows[0, 4] = np.nan
    kd = DistilledClassifier(GaussianNB(), LogisticRegression(max_iter=1000)).fit(A, A_LABELS)
    head = make_column_transformer(("passthrough", [0, 1, 2, 3])).fit(rows)
    found = distillation_report(
        make_pipeline(head, kd), rows, B_LABELS, by=4, plain=make_pipeline(head, KD.student_)
    )["segments"]
    assert set(found) == {"0.0", "1.0", "nan"}
    assert np.isnan(found["1.0"]["distilled"]["roc_auc"])
    assert found["1.0"]["distilled"]["log_loss"] > 0
    lonely = found["nan"]["distilled - plain"]["log_loss"]
    assert np.isfinite(lonely.value)
    assert np.isnan([lonely.low, lonely.high]).all()


# What is refused ---------------------------------------------------------------------


def test_what_cannot_be_compared_is_refused_with_the_remedy():
    taught = DistilledClassifier(student=STUMPS).fit(
        A, A_LABELS, teacher_proba=KD.teacher_.predict_proba(A)
    )
    with pytest.raises(ValueError, match=r"no teacher_ to ask.*pass teacher="):
        distillation_report(taught, B, B_LABELS)
    with pytest.raises(ValueError, match=r"plain=Decision.* not fitted.*give X_train"):
        distillation_report(KD, B, B_LABELS, plain=STUMPS)
    with pytest.raises(ValueError, match=r"by=0 has 75 values, more than 50: bin it"):
        distillation_report(KD, B, B_LABELS, by=0)
    with pytest.raises(ValueError, match=r"X_train and y_train belong together"):
        distillation_report(KD, B, B_LABELS, X_train=A)
    other = clone(STUMPS).fit(A, A_LABELS == "setosa")
    with pytest.raises(ValueError, match=r"plain has the classes \[False, True\], the model"):
        distillation_report(KD, B, B_LABELS, plain=other)


def test_lines_of_a_table_are_aligned():
    assert aligned([["", "one"], ["long", "2"]]) == ["      one", "long    2"]


@pytest.mark.parametrize(
    ("share", "words"),
    [
        ((0.63, 0.48, 0.75), "keeps 63 % of the teacher's lead in log-loss .* 48 to 75 "),
        ((0.1, -0.2, 0.4), "no detectable gain: .*ship the plain one"),
        ((-0.5, -0.9, -0.1), "distilling does harm: .*ship the plain one"),
        ((0.9, 0.1, np.inf), "lead over the plain student is in doubt"),
        ((np.nan, -np.inf, 0.3), "no better than the plain student: ship the plain one"),
        ((np.nan, np.inf, np.inf), "distilling pays, though .*give a stronger teacher"),
        ((2.1, 0.01, 4.71), "distilling pays; .*too small to give a share"),
        ((1.4, 1.1, 1.7), "ahead of its teacher: 140 % .*give a stronger teacher"),
        ((0.2, -3.0, 4.0), "no detectable gain: .*too small to give a share"),
    ],
)
def test_the_verdict_says_what_the_interval_says(share, words):
    said = verdict(Retention(*share))
    assert re.match(f".*{words}", said)
    assert ("%" in said) == (np.isfinite(share).all() and share[2] - share[1] <= 1)


def test_notebooks_show_the_report_as_tables_that_hold_no_markup_of_its_names(report):
    shown = report._repr_html_()
    assert shown.count("<table>") == str(report).count("\n\n")
    hostile = DistillationReport(report | {"segments": {"<b>\u202ename": report["test"]}})
    assert "<b>" not in hostile._repr_html_()
    assert "&lt;b&gt;\\u202ename" in hostile._repr_html_()


def test_a_search_inside_a_pipeline_is_compared():
    kd = DistilledClassifier(GaussianNB(), STUMPS, random_state=0)
    search = GridSearchCV(kd, {"alpha": [0.2, 0.8]}, cv=2)
    model = make_pipeline(StandardScaler(), search).fit(A, A_LABELS)
    report = distillation_report(model, B, B_LABELS, X_train=A, y_train=A_LABELS)
    scaled = make_pipeline(StandardScaler(), kd.set_params(**search.best_params_))
    again = distillation_report(scaled.fit(A, A_LABELS), B, B_LABELS)
    for name in ("teacher", "distilled"):
        one, other = (found["test"][name]["log_loss"] for found in (report, again))
        assert one == pytest.approx(other)
