"""Which student to ship: the Pareto front, hard limits and rules, on arrays of a leaderboard.

Quality is the score of the search, so that the rows a leaderboard is measured on choose
nothing. Sizes are exact; times are not, so only a clear difference of them counts.
"""

import numpy as np

CLEARLY = 1.25  # times slower


def pareto_front(score, n_bytes, latency):
    """Rows that no other row equals in all three and surpasses in score or bytes.

    Parameters
    ----------
    score : ndarray of shape (n_rows,)
        Greater is better; NaN is on no front.
    n_bytes, latency : ndarray of shape (n_rows,)
        A time is worse than another where it is longer by a quarter.

    Returns
    -------
    ndarray of bool of shape (n_rows,)
    """
    at_least = score[:, None] >= score
    no_larger = n_bytes[:, None] <= n_bytes
    no_slower = latency[:, None] <= CLEARLY * latency
    better = (score[:, None] > score) | (n_bytes[:, None] < n_bytes)
    dominated = (at_least & no_larger & no_slower & better).any(axis=0)
    return np.isfinite(score) & ~dominated


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
    """
    if callable(rule):
        return int(rule(leaderboard))
    score, size = np.nan_to_num(leaderboard["search_score"], nan=-np.inf), leaderboard["bytes"]
    if rule == "knee":
        return _knee(score, size, np.flatnonzero(leaderboard["on_front"]))
    best = int(score.argmax())
    error = {"best": 0.0, "smallest": tolerance, "one_se": leaderboard["search_se"][best]}
    enough = np.flatnonzero(score >= score[best] - error[rule])
    return int(min(enough, key=lambda row: (size[row], -score[row])))


def _knee(score, size, front):
    """Farthest above the line between the ends of the front, over log bytes."""
    if not front.size:
        return int(score.argmax())
    front = front[np.argsort(size[front], kind="stable")]
    cost, gain = np.log(size[front]), score[front]
    along = (cost - cost[0]) / max(cost[-1] - cost[0], np.finfo(float).tiny)
    rise = (gain - gain.min()) / max(np.ptp(gain), np.finfo(float).tiny)
    return int(front[np.argmax(rise - along)])
