"""Does `AutoDistiller` tell the truth of the student it chooses?

    python benchmarks/auto.py estimates   # its estimates against rows it never saw
    python benchmarks/auto.py boards      # three explorations in full, with the reports
    python benchmarks/auto.py teachers    # the default teacher against a forest

estimates: of each data set 2,000 rows are explored and up to 10,000 others are the truth.
The leaderboard's estimate of the chosen student is set against its score on them: `z` is
the difference by the standard error of both, and the interval covers if it holds the true
score. Beside it stands the score of the search that chose it, which nothing corrects.
A line for each data set and seed is kept in `results/auto_estimates.csv`.

boards: the rows are explored with the defaults and nine minutes at most.

teachers: log-loss over three folds of up to 4,000 rows, and the time of the fits.
"""

import argparse
import os
import warnings
from pathlib import Path
from time import perf_counter

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import pandas as pd
from search import add_row, rows_so_far
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.model_selection import cross_val_predict, train_test_split

from skdistill import AutoDistiller
from skdistill.auto._defaults import _behind, _head, auto_teacher
from skdistill.metrics import log_loss_by_row
from skdistill.report import aligned, write_report

SETS = [
    "adult", "credit_default", "magic", "online_shoppers", "phoneme", "sick", "spambase",
    "car", "satimage", "jungle_chess",
]  # fmt: skip
DEFAULT_SETS = {
    "estimates": SETS,
    "boards": ["adult", "letter", "credit_g"],
    "teachers": ["phoneme", "credit_g", "adult", "spambase", "satimage", "splice", "letter"],
}
RESULTS = Path(__file__).parent / "results" / "auto_estimates.csv"
_SHOWN = ("log_loss", "log_loss_low", "log_loss_high", "accuracy", "roc_auc", "kl_to_teacher")


def load(folder, name):
    frame = pd.read_parquet(Path(folder) / f"{name}.parquet")
    return frame, frame.pop("target").astype(str).to_numpy()


def estimates(args):
    done = {(row["set"], row["seed"]) for row in rows_so_far(RESULTS)}
    for seed in args.seeds:
        for name in args.sets:
            if (name, str(seed)) not in done:
                add_row(RESULTS, {"set": name, "seed": seed} | estimate(args, name, seed))
    summarise(pd.DataFrame(rows_so_far(RESULTS)))


def estimate(args, name, seed):
    """The chosen student's estimates, and its scores on rows that were put aside."""
    X, y = load(args.data, name)
    n_explored = min(args.rows, int(0.6 * len(y)))
    n_truth = min(10_000, len(y) - n_explored)
    X, X_truth, y, y_truth = train_test_split(
        X, y, train_size=n_explored, test_size=n_truth, stratify=y, random_state=seed
    )
    start = perf_counter()
    auto = AutoDistiller(n_trials=args.trials, random_state=seed).fit(X, y)
    seconds = perf_counter() - start
    board = auto.leaderboard_
    chosen = int(np.flatnonzero(board["chosen"])[0])
    loss = log_loss_by_row(y_truth, auto.predict_proba(X_truth), classes=auto.classes_)
    right = y_truth == auto.predict(X_truth)
    row = {"rows": len(y), "truth_rows": len(y_truth), "seconds": round(seconds, 1)}
    row |= {"chosen": board["name"][chosen], "search_score": board["search_score"][chosen]}
    for metric, values in (("log_loss", loss), ("accuracy", right)):
        row |= {
            f"{metric}{end}": board[f"{metric}{end}"][chosen] for end in ("", "_low", "_high")
        }
        row[f"{metric}_truth"] = values.mean()
        row[f"{metric}_truth_se"] = values.std() / np.sqrt(len(values))
    print(row, flush=True)
    return row


def summarise(rows):
    """Bias and coverage over all lines."""
    numbers = rows.drop(columns=["set", "chosen"]).astype(float)
    for metric in ("log_loss", "accuracy"):
        own, truth = numbers[metric], numbers[f"{metric}_truth"]
        low, high = numbers[f"{metric}_low"], numbers[f"{metric}_high"]
        error = np.hypot((high - low) / 3.92, numbers[f"{metric}_truth_se"])
        z = (own - truth) / error
        holds, near = (low <= truth) & (truth <= high), z.abs() < 1.96
        print(
            f"{metric}: {len(rows)} runs, estimate - truth {(own - truth).mean():+.4f} "
            f"+- {(own - truth).sem():.4f}, mean z {z.mean():+.2f}, sd of z {z.std():.2f}; "
            f"interval holds the truth in {holds.mean():.2f}, |z| < 1.96 in {near.mean():.2f}"
        )
    optimism = (-numbers["search_score"] - numbers["log_loss_truth"]).mean()
    print(f"score of the search instead: mean of estimate - truth {optimism:+.4f}")


def boards(args):
    """Leaderboard, front, chosen one and report of whole data sets."""
    for name in args.sets:
        X, y = load(args.data, name)
        start = perf_counter()
        auto = AutoDistiller(
            n_trials=args.trials, timeout=args.timeout, n_jobs=2, random_state=0
        ).fit(X, y)
        print(f"\n{name}: {len(y)} rows, {perf_counter() - start:.0f} s")
        print("\n".join(table(auto)), flush=True)
        start = perf_counter()
        page = Path(args.out) / name / "report.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        write_report(auto, page, X, y)
        print(f"report in {perf_counter() - start:.0f} s, {page.stat().st_size / 1e3:.0f} kB")


def table(auto):
    """Lines of a leaderboard."""
    board = auto.leaderboard_
    rows = [["", "search", *_SHOWN, "bytes", "us a row", "T", "alpha", ""]]
    for i, name in enumerate(board["name"]):
        marks = "front " * bool(board["on_front"][i]) + "chosen" * bool(board["chosen"][i])
        own = board["params"][i]
        rows.append([
            str(name),
            f"{board['search_score'][i]:.4f}",
            *(f"{board[column][i]:.4f}" for column in _SHOWN),
            f"{board['bytes'][i]:.0f}",
            f"{board['latency_us'][i]:.0f}",
            *(f"{own[key]:.2f}" if key in own else "" for key in ("temperature", "alpha")),
            str(board["error"][i]) or marks,
        ])  # fmt: skip
    return aligned(rows)


def teachers(args):
    """Log-loss and time of the default teacher, and of a forest behind the same encoding."""
    print(f"{'rows fitted on':22}{'forest':>8}{'default':>9}{'times the forest':>18}")
    for name in args.sets:
        X, y = load(args.data, name)
        if len(y) > 4000:
            X, _, y, _ = train_test_split(X, y, train_size=4000, stratify=y, random_state=0)
        forest = _behind(_head(X), RandomForestClassifier(300))
        losses, seconds = [], []
        for model in (forest, VotingClassifier(auto_teacher(X), voting="soft")):
            start = perf_counter()
            proba = cross_val_predict(seeded(model), X, y, cv=3, method="predict_proba")
            seconds.append(perf_counter() - start)
            losses.append(log_loss_by_row(y, proba, classes=np.unique(y)).mean())
        rows = f"{name}, {len(y) * 2 // 3}"
        ratio = seconds[1] / seconds[0]
        print(f"{rows:22}{losses[0]:8.3f}{losses[1]:9.3f}{ratio:18.1f}", flush=True)


def seeded(model):
    seeds = [key for key in model.get_params() if key.endswith("random_state")]
    return model.set_params(**dict.fromkeys(seeds, 0))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    jobs = {"estimates": estimates, "boards": boards, "teachers": teachers}
    parser.add_argument("job", choices=jobs)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--sets", nargs="+")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="of estimates")
    parser.add_argument("--rows", type=int, default=2000, help="explored, of estimates")
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--timeout", type=float, default=540, help="seconds, of boards")
    parser.add_argument("--out", default="boards", help="folder of the reports, of boards")
    args = parser.parse_args()
    args.sets = args.sets or DEFAULT_SETS[args.job]
    warnings.simplefilter("ignore")
    jobs[args.job](args)


if __name__ == "__main__":
    main()
