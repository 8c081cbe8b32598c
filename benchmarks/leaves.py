"""Time and exactness of the leaf values: every leaf solved from its summed targets.

    python benchmarks/leaves.py

Soft labels are Dirichlet draws, a tenth of them exactly 0; hard labels are drawn from
them. The gradient is the largest over leaves and classes, per unit weight of the leaf.
"""

import argparse
from time import perf_counter

import numpy as np

from skdistill.loss import CombinedLoss


def leaf_losses(n_leaves, n_classes, rows_per_leaf, temperature, seed=0):
    rng = np.random.default_rng(seed)
    n_samples = n_leaves * rows_per_leaf
    proba = rng.dirichlet(np.full(n_classes, 0.5), size=n_samples)
    proba[rng.uniform(size=proba.shape) < 0.1] = 0
    proba = (proba + 1e-300) / (proba + 1e-300).sum(axis=1, keepdims=True)
    y = (rng.uniform(size=(n_samples, 1)) > proba.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return CombinedLoss(proba, y, temperature=temperature, alpha=0.5)


def gradient_by_leaf(loss, raw, leaves):
    gradient = loss.gradient(raw[leaves])
    weight = np.bincount(leaves, loss.row_weight)
    return np.column_stack([np.bincount(leaves, g) for g in gradient.T]) / weight[:, None]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--leaves", type=int, default=3000)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--rows", type=int, default=10, help="in a leaf")
    options = parser.parse_args()
    leaves = np.arange(options.leaves * options.rows) % options.leaves
    print(f"{options.leaves} leaves, {options.classes} classes, {options.rows} rows in each")
    print(f"{'T':>8}  {'seconds':>8}  {'largest gradient':>16}")
    for temperature in (0.01, 0.3, 1.0, 2.0, 3.0, 10.0, 100.0, 1e4):
        loss = leaf_losses(options.leaves, options.classes, options.rows, temperature)
        times = []
        for _ in range(5):
            start = perf_counter()
            raw = loss.constant(leaves, options.leaves)
            times.append(perf_counter() - start)
        largest = np.abs(gradient_by_leaf(loss, raw, leaves)).max()
        print(f"{temperature:8g}  {np.median(times):8.3f}  {largest:16.1e}")


if __name__ == "__main__":
    main()
