"""What the zeros of a forest teacher cost a student, and what smoothing mends.

    python benchmarks/smoothing.py [--data ../shared/data/letter.parquet]

A forest's probabilities are counts of m trees: many are exactly 0, and above T = 1 their
logarithm speaks. Either they meet the floor of `skdistill.loss.soften` as they are, or
they are smoothed to ``(m p + prior) / (m + 1)`` first, by a flat prior or by the frequency
of each class. Test log-loss of the student.
Without the file, the digits of scikit-learn.
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier

STUDENTS = {
    "logistic": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
    "tree of depth 10": DecisionTreeClassifier(
        max_depth=10, min_samples_leaf=5, random_state=0
    ),
}


def rows(path, n_rows):
    if not path.exists():
        return "digits", *load_digits(return_X_y=True)
    import pandas as pd

    frame = pd.read_parquet(path).sample(frac=1, random_state=0).iloc[:n_rows]
    return path.stem, frame.iloc[:, :-1].to_numpy(float), frame["target"].to_numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).parents[2] / "shared/data/letter.parquet"
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--rows", type=int, default=8000)
    parser.add_argument("--trees", type=int, default=100)
    options = parser.parse_args()
    name, X, y = rows(options.data, options.rows)
    X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=0)
    forest = RandomForestClassifier(options.trees, random_state=0).fit(X, y)
    counts = forest.predict_proba(X)
    frequencies = np.unique(y, return_counts=True)[1] / len(y)
    flat, smooth = (
        (options.trees * counts + prior) / (options.trees + 1)
        for prior in (1 / counts.shape[1], frequencies)
    )
    print(f"{name}: {len(X)} training rows, {np.mean(counts == 0):.0%} of the labels are 0")
    print(f"{'student':>18}  {'T':>3}  {'floor':>7}  {'flat':>7}  {'frequencies':>11}")
    for student_name, student in STUDENTS.items():
        for temperature in (1.0, 2.0, 3.0, 5.0):
            losses = []
            for proba in (counts, flat, smooth):
                kd = DistilledClassifier(student=student, temperature=temperature)
                kd.fit(X, y, teacher_proba=proba)
                losses.append(log_loss(y_test, kd.predict_proba(X_test)))
            print(
                f"{student_name:>18}  {temperature:3g}  {losses[0]:7.3f}  {losses[1]:7.3f}  "
                f"{losses[2]:11.3f}"
            )


if __name__ == "__main__":
    main()
