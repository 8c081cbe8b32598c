import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def people():
    """300 rows of mixed columns that depend on each other."""
    rng = np.random.RandomState(0)
    age = rng.randint(18, 90, size=300)
    job = np.where(age > 65, "retired", np.where(rng.rand(300) < 0.5, "office", "field"))
    pay = np.where(job == "retired", 0.0, rng.gamma(4, 10, size=300))
    pay[rng.rand(300) < 0.1] = np.nan
    return pd.DataFrame(
        {
            "age": age,
            "decade": 10 * (age // 10),
            "job": pd.Categorical(job, categories=["office", "field", "retired", "unseen"]),
            "pay": pay,
            "member": rng.rand(300) < 0.3,
            "note": np.where(age > 65, "old text", None),
            "since": pd.Timestamp("2000-01-01") + pd.to_timedelta(age, unit="D"),
        }
    )
