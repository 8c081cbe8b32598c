"""A fitted teacher in a cache whose files are damaged, or that cannot be written."""

import resource
import signal
import warnings
from pathlib import Path

import numpy as np
import pytest
from joblib import Memory
from joblib.memory import MemorizedResult
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier

X, Y = load_iris(return_X_y=True)


def model(folder, **params):
    teacher = RandomForestClassifier(40, random_state=0)
    student = DecisionTreeClassifier(max_depth=2, random_state=0)
    return DistilledClassifier(teacher, student, memory=str(folder), **params)


def entries(folder):
    return sorted(Path(folder).rglob("output.pkl"))


def cut(path, share):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
@pytest.mark.parametrize("cv", [None, 3, "oob"])
def test_damaged_entries_are_replaced(cv, share, tmp_path):
    first = model(tmp_path, cv=cv).fit(X, Y)
    for path in entries(tmp_path):
        cut(path, share)
    with pytest.warns(UserWarning, match="was damaged: it is fitted again") as warned:
        second = model(tmp_path, cv=cv).fit(X, Y)
    assert len(warned) == 1
    np.testing.assert_array_equal(second.predict_proba(X), first.predict_proba(X))
    third = model(tmp_path, cv=cv).fit(X, Y)  # warnings are errors
    assert isinstance(third.teacher_, RandomForestClassifier)


@pytest.mark.parametrize("kind", ["zlib", "gzip", "bz2", "lzma", "xz"])
def test_compressed_entries_are_not_taken_for_damaged(kind, tmp_path):
    memory = Memory(tmp_path, verbose=0, compress=(kind, 3))
    first, second = (model(tmp_path).set_params(memory=memory).fit(X, Y) for _ in range(2))
    np.testing.assert_array_equal(second.predict_proba(X), first.predict_proba(X))
    assert isinstance(second._fitted_teacher, MemorizedResult)  # warnings are errors


def test_an_emptied_folder_is_filled_again(tmp_path):
    model(tmp_path).fit(X, Y)
    for path in entries(tmp_path):
        path.unlink()
    assert isinstance(model(tmp_path).fit(X, Y).teacher_, RandomForestClassifier)


def test_a_teacher_damaged_after_the_fit_is_said_to_be(tmp_path):
    fitted = model(tmp_path).fit(X, Y)
    for path in entries(tmp_path):
        cut(path, 0.5)
    with pytest.raises(AttributeError, match="damaged or no longer there; fit again"):
        _ = fitted.teacher_


def test_compressed_caches_are_left_alone(tmp_path):
    from joblib import Memory

    memory = Memory(tmp_path, verbose=0, compress=3)
    for _ in range(2):
        kd = DistilledClassifier(GaussianNB(), DecisionTreeClassifier(), memory=memory)
        kd.fit(X, Y)
    assert isinstance(kd.__dict__["_fitted_teacher"], MemorizedResult)


def test_a_disk_that_is_full_does_not_fail_the_fit(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = model(tmp_path).fit(X, Y)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    plain = model(tmp_path).set_params(memory=None).fit(X, Y)
    np.testing.assert_array_equal(fitted.predict_proba(X), plain.predict_proba(X))
    assert isinstance(fitted.teacher_, RandomForestClassifier)
