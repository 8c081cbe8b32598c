"""Which student to ship: the Pareto front, hard limits and rules, on arrays of a leaderboard.

Quality is the score of the search, so that the rows a leaderboard is measured on choose
nothing. Sizes are exact; times are not, so only a clear difference of them counts.
"""

from numbers import Integral

import numpy as np

CLEARLY = 1.25  # times slower; two runs of one model differ by less on a calm machine


def pareto_front(score, leaderboard):
    """Rows that no other row equals in all three and surpasses in score or bytes.

    Parameters
    ----------
    score : ndarray of shape (n_rows,)
        Greater is better; NaN is on no front.
    leaderboard : dict of ndarray of shape (n_rows,)
        With "bytes" and "latency_us" with its ends.

    Returns
    -------
    ndarray of bool of shape (n_rows,)
    """
    size = leaderboard["bytes"]
    at_least = score[:, None] >= score
    no_larger = size[:, None] <= size
    no_slower = ~_slower(leaderboard)
    better = (score[:, None] > score) | (size[:, None] < size)
    dominated = (at_least & no_larger & no_slower & better).any(axis=0)
    return np.isfinite(score) & ~dominated


def _slower(leaderboard):
    """Whether each row is slower than each other beyond doubt.

    By a quarter, and by more than the calls of either differ among themselves.
    """
    middle, low, high = (leaderboard[f"latency_us{end}"] for end in ("", "_low", "_high"))
    return (middle[:, None] > CLEARLY * middle) & (low[:, None] > high)


def within_limits(leaderboard, limits):
    """Students that were fitted and meet every limit.

    Parameters
    ----------
    leaderboard : dict of ndarray
    limits : dict of float
        Largest value by column; None is no limit.

    Returns
    -------
    ndarray of int

    Raises
    ------
    ValueError
        If there is none; names the nearest.
    """
    fitted = (leaderboard["kind"] != "teacher") & (leaderboard["error"] == "")
    students = np.flatnonzero(fitted)
    limits = {column: limit for column, limit in limits.items() if limit is not None}
    excess = [leaderboard[column][students] / limit for column, limit in limits.items()]
    worst = np.max(excess, axis=0) if excess else np.zeros(len(students))
    if (worst <= 1).any():
        return students[worst <= 1]
    nearest = students[worst.argmin()]
    given = " and ".join(f"max_{column}={limit:g}" for column, limit in limits.items())
    has = " and ".join(f"{column} {leaderboard[column][nearest]:,.0f}" for column in limits)
    raise ValueError(
        f"no student meets {given}; the nearest is {str(leaderboard['name'][nearest])!r} with "
        f"{has}: raise the limit, or give smaller students"
    )


def choose(rule, leaderboard, tolerance):
    """One row of a leaderboard.

    Parameters
    ----------
    rule : {"best", "smallest", "one_se", "knee"} or callable
        As `AutoDistiller` takes it.
    leaderboard : dict of ndarray
        Of rows that may be chosen.
    tolerance : float

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If a callable returns no position of these rows.
    """
    if callable(rule):
        return _checked(rule(leaderboard), len(leaderboard["bytes"]))
    score, size = np.nan_to_num(leaderboard["search_score"], nan=-np.inf), leaderboard["bytes"]
    if rule == "knee":
        return _knee(score, size, np.flatnonzero(leaderboard["on_front"]))
    best = int(score.argmax())
    error = {"best": 0.0, "smallest": tolerance, "one_se": leaderboard["search_se"][best]}
    enough = np.flatnonzero(score >= score[best] - error[rule])
    return int(min(enough, key=lambda row: (size[row], -score[row])))


def _checked(position, n_rows):
    if not (isinstance(position, Integral) and 0 <= position < n_rows):
        raise ValueError(
            f"selection returned {position!r}, which is no position among the {n_rows} rows "
            f"that it was given: return an integer from 0 to {n_rows - 1}"
        )
    return int(position)


def _knee(score, size, front):
    """Farthest above the line between the ends of the front, over log bytes."""
    if not front.size:
        return int(score.argmax())
    front = front[np.argsort(size[front], kind="stable")]
    cost, gain = np.log(size[front]), score[front]
    along = (cost - cost[0]) / max(cost[-1] - cost[0], np.finfo(float).tiny)
    rise = (gain - gain.min()) / max(np.ptp(gain), np.finfo(float).tiny)
    return int(front[np.argmax(rise - along)])
