"""`TemperatureAlphaDisplay`: what a search over temperature and alpha has seen."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from skdistill._typing import Axes
from skdistill.model_selection._search import DistillationSearchCV
from skdistill.plot._style import BLACK, GREY, VERMILION, axes, readable, tick_decades

_MOST_NUMBERS = 64  # cells that a heat map writes numbers in


class TemperatureAlphaDisplay:
    """Scores of a search over temperature and alpha, the best marked.

    A full grid becomes a heat map, in each cell the best of its candidates; trials of a
    random search become points on a logarithmic temperature, failed ones hollow. Bright is
    good.

    Parameters
    ----------
    temperature, alpha : array-like of shape (n_candidates,)
    score : array-like of shape (n_candidates,)
        Greater is better, as scikit-learn has it; NaN where the candidate failed.
    best : int, default=None
        Candidate that is marked. None: the first of the highest score.
    metric : str, default="score"
        What `score` is; where it begins with "neg_" the loss is drawn.

    Attributes
    ----------
    scores_ : AxesImage or PathCollection
        The heat map, or the points.
    best_ : Rectangle or PathCollection
    text_ : Text
        The title: the best candidate.
    ax_, figure_ : Axes, Figure
    """

    def __init__(
        self,
        temperature: ArrayLike,
        alpha: ArrayLike,
        score: ArrayLike,
        *,
        best: int | None = None,
        metric: str = "score",
    ) -> None:
        self.temperature = temperature
        self.alpha = alpha
        self.score = score
        self.best = best
        self.metric = metric

    @classmethod
    def from_estimator(
        cls, search: Any, *, metric: str | None = None, ax: Axes | None = None, **kwargs: Any
    ) -> Self:
        """Draw what a fitted search has seen; its own choice is marked.

        Parameters
        ----------
        search : GridSearchCV, RandomizedSearchCV, DistillationSearchCV or alike
        metric : str, default=None
            Of several, the one drawn. None: the only one, or that of ``refit``.
        ax, **kwargs
            As in `from_cv_results`.

        Returns
        -------
        TemperatureAlphaDisplay
        """
        check_is_fitted(search, "cv_results_")
        if metric is None and search.multimetric_:
            metric = search.refit
        elif metric is None and isinstance(search.scoring, str):
            metric = search.scoring
        elif metric is None:
            own_default = search.scoring is None and isinstance(search, DistillationSearchCV)
            metric = "neg_log_loss" if own_default else "score"
        best = getattr(search, "best_index_", None)
        return cls.from_cv_results(
            search.cv_results_, metric=metric, best=best, ax=ax, **kwargs
        )

    @classmethod
    def from_cv_results(
        cls,
        cv_results: Mapping[str, Any],
        *,
        metric: str = "score",
        best: int | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the ``cv_results_`` of a search.

        Parameters
        ----------
        cv_results : dict of array-like, or frame
            With ``param_<prefix>temperature``, ``param_<prefix>alpha`` of any one prefix
            such as "distilledclassifier__", and mean test scores. Candidates that were
            not given both are not drawn.
        metric : str, default="score"
            Of several metrics, the one drawn; of a single one, its name.
        best : int, default=None
            Candidate that is marked. None: the first of the highest score.
        ax : Axes, default=None
            None: a new figure.
        **kwargs : dict
            For ``Axes.imshow`` of a full grid, else for ``Axes.scatter``.

        Returns
        -------
        TemperatureAlphaDisplay

        Raises
        ------
        ValueError
            If the search had no temperature and alpha of one model, or of several.
        """
        columns = [f"mean_test_{name}" for name in (metric, "score")]
        column = next((name for name in columns if name in cv_results), None)
        if column is None:
            had = [name[10:] for name in cv_results if name.startswith("mean_test_")]
            raise ValueError(f"metric={metric!r} is not one of the search's: {had}")
        values = [_numbers(cv_results[name]) for name in (*_both_names(cv_results), column)]
        return cls(*values, best=best, metric=metric).plot(ax, **kwargs)

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            None: a new figure.
        **kwargs : dict
            For ``Axes.imshow`` of a full grid, else for ``Axes.scatter``.

        Returns
        -------
        TemperatureAlphaDisplay
        """
        self.ax_, self.figure_ = ax, figure = axes(self, ax)
        T, alpha, score = map(_numbers, (self.temperature, self.alpha, self.score))
        label, sign = readable(self.metric)
        best = int(np.nanargmax(score)) if self.best is None else self.best
        drawn = np.isfinite(T) & np.isfinite(alpha)
        grid = _full_grid(T[drawn], alpha[drawn], score[drawn])
        low, high, extend = _scale(score[drawn] if grid is None else grid[2], sign)
        style = {"cmap": "viridis" if sign > 0 else "viridis_r", "vmin": low, "vmax": high}
        if grid is None:
            self._draw_points(T[drawn], alpha[drawn], sign * score[drawn], style | kwargs)
        else:
            self._draw_cells(*grid[:2], sign * grid[2], style | kwargs)
        self.best_ = self._mark(T[best], alpha[best], grid) if drawn[best] else None
        bar = figure.colorbar(self.scores_, ax=ax, extend=extend)
        bar.set_label(f"test {label}", fontsize="small")
        ax.set(xlabel="temperature", ylabel="alpha, weight of the teacher")
        where = f"at temperature {T[best]:.3g}, alpha {alpha[best]:.2g}"
        where = where if drawn[best] else "without temperature and alpha"
        title = f"best {sign * score[best]:.4g} {where}"
        self.text_ = ax.set_title(title, fontsize="small")
        return self

    def _draw_cells(self, temperatures, alphas, shown, style):
        style = {"origin": "lower", "aspect": "auto"} | style
        self.scores_ = self.ax_.imshow(shown, **style)
        self.ax_.set_xticks(range(len(temperatures)), [f"{T:g}" for T in temperatures])
        self.ax_.set_yticks(range(len(alphas)), [f"{alpha:g}" for alpha in alphas])
        if shown.size <= _MOST_NUMBERS:
            self._write_numbers(shown)

    def _write_numbers(self, shown):
        low, high = self.scores_.get_clim()
        decimals = 3 if high == low else int(np.clip(np.ceil(1 - np.log10(high - low)), 2, 5))
        style = {"ha": "center", "va": "center", "fontsize": "small"}
        for (row, column), value in np.ndenumerate(shown):
            red, green, blue, opaque = self.scores_.to_rgba(value)
            dark = opaque and 0.3 * red + 0.6 * green + 0.1 * blue < 0.5
            text = f"{value:.{decimals}f}" if opaque else "failed"
            self.ax_.text(column, row, text, color="white" if dark else BLACK, **style)

    def _draw_points(self, temperature, alpha, shown, style):
        style = {"s": 40, "edgecolors": GREY, "linewidths": 0.5, "plotnonfinite": True} | style
        self.scores_ = self.ax_.scatter(temperature, alpha, c=shown, **style)
        self.ax_.set_xscale("log")
        self.ax_.margins(0.05)
        tick_decades(self.ax_.xaxis, *self.ax_.get_xlim())

    def _mark(self, temperature, alpha, grid):
        if grid is None:
            style = {"s": 170, "facecolors": "none", "edgecolors": VERMILION}
            return self.ax_.scatter(temperature, alpha, linewidths=2.2, **style)
        from matplotlib.patches import Rectangle

        column, row = (
            np.searchsorted(*pair) for pair in zip(grid, (temperature, alpha), strict=False)
        )
        cell = Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=VERMILION)
        cell.set(linewidth=3, clip_on=False)
        return self.ax_.add_patch(cell)


def _both_names(cv_results):
    """Columns of the temperature and of the alpha of the same model."""
    alphas = [name for name in cv_results if name.startswith("param_")]
    models = [name.removesuffix("alpha") for name in alphas if name.endswith("alpha")]
    models = [at for at in models if f"{at}temperature" in cv_results]
    if len(models) != 1:
        had = [name for name in cv_results if name.startswith("param_")]
        raise ValueError(
            f"cv_results must have temperature and alpha of one model, got {models or had}"
        )
    return f"{models[0]}temperature", f"{models[0]}alpha"


def _numbers(values):
    """Floats; NaN where a candidate was not given the parameter."""
    return np.ma.filled(np.ma.asarray(values).astype(np.float64), np.nan)


def _full_grid(temperature, alpha, score):
    """Values of both and the highest score in each cell; None if a cell was never tried."""
    temperatures, column = np.unique(temperature, return_inverse=True)
    alphas, row = np.unique(alpha, return_inverse=True)
    tried = np.zeros((len(alphas), len(temperatures)), dtype=bool)
    tried[row, column] = True
    if not tried.all():
        return None
    highest = np.full(tried.shape, np.nan)
    np.fmax.at(highest, (row, column), score)
    return temperatures, alphas, highest


def _scale(score, sign):
    """Ends of the colours as drawn, and which end of the bar is open.

    Scores that fall three times as far behind the best as the median look alike: a few
    bad candidates must not make the good ones look alike.
    """
    best, worst = np.nanmax(score), np.nanmin(score)
    far = best - 3 * (best - np.nanmedian(score))
    shown = far if worst < far < best else worst
    beyond = "neither" if shown == worst else "min" if sign > 0 else "max"
    return *sorted((sign * shown, sign * best)), beyond
