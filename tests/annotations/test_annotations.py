"""Every public function and method has types, and what the types promise runs."""

import importlib
import inspect
import pkgutil
import warnings

import pytest
import usage

import skdistill


def public_packages():
    yield skdistill
    for module in pkgutil.iter_modules(skdistill.__path__, prefix="skdistill."):
        name = module.name.rpartition(".")[2]
        if not name.startswith("_") and name not in ("command", "demo"):
            yield importlib.import_module(module.name)


def public_functions():
    """Full name and function of what users call."""
    for package in public_packages():
        for name in getattr(package, "__all__", []):
            value = getattr(package, name)
            if inspect.isfunction(value):
                yield f"{package.__name__}.{name}", value
            elif inspect.isclass(value) and not issubclass(value, tuple):
                for method in vars(value):
                    if method == "__init__" or not method.startswith("_"):
                        found = inspect.getattr_static(value, method)
                        found = getattr(found, "fn", found)  # of available_if
                        found = getattr(found, "fget", getattr(found, "__func__", found))
                        if getattr(found, "__module__", "").startswith("skdistill."):
                            yield f"{package.__name__}.{name}.{method}", found


FUNCTIONS = dict(public_functions())


def test_the_public_functions_are_found():
    assert "skdistill.DistilledClassifier.predict_proba" in FUNCTIONS
    assert "skdistill.plot.ParetoDisplay.from_leaderboard" in FUNCTIONS
    assert len(FUNCTIONS) > 80


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_parameter_and_every_result_has_a_type(name):
    signature = inspect.signature(inspect.unwrap(FUNCTIONS[name]))
    untyped = [
        one.name
        for one in signature.parameters.values()
        if one.annotation is one.empty and one.name not in ("self", "cls")
    ]
    assert not untyped
    assert signature.return_annotation is not signature.empty


def test_what_the_type_checker_reads_runs():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of labels in sample and of few rows
        usage.main()
