"""Every run of a test draws the same: what fails once, fails again."""

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("reproducible", derandomize=True)
settings.load_profile("reproducible")


@pytest.fixture(autouse=True)
def _seed_of_what_has_none():
    """For `random_state=None`, the default of most estimators."""
    np.random.seed(0)  # noqa: NPY002
