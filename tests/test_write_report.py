"""The report as a page: what it says is what was found, and it says it harmlessly."""

import json
import re

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from skdistill import AutoDistiller
from skdistill.report import write_report

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

# joblib times its writes, and a busy disk is no fault
pytestmark = pytest.mark.filterwarnings("ignore:Persisting input arguments")

X, CODES = make_classification(
    240, 5, n_informative=4, n_redundant=0, flip_y=0.2, random_state=0
)
Y = np.array(["no", "yes"])[CODES]
PAIR = [("tree", DecisionTreeClassifier(max_depth=3)), ("linear", LogisticRegression())]
SECTIONS = [
    "What to ship", "What quality costs", "Whether to trust it", "The model itself",
    "Five refits", "What paid", "How to make it again",
]  # fmt: skip


@pytest.fixture(scope="module")
def auto():
    return AutoDistiller(GaussianNB(), PAIR, n_trials=2, random_state=0).fit(X, Y)


def written(source, folder, *args, **options):
    """Page and card."""
    path = write_report(source, folder / "report.html", *args, **options)
    card = json.loads((folder / "model_card.json").read_text(encoding="utf-8"))
    return path.read_text(encoding="utf-8"), card


def test_a_page_has_seven_sections_and_a_card_of_the_same_facts(auto, tmp_path):
    page, card = written(auto, tmp_path, X, Y)
    titles = re.findall(r"<h2[^>]*>.*?</span>(.*?)</h2>", page)
    assert titles == SECTIONS
    assert set(card) == {
        "decision", "leaderboard", "trust", "model", "stability", "ablation", "reproduction",
    }  # fmt: skip
    assert card["decision"]["headline"] in page
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "model_card.json",
        "report.html",
    ]
