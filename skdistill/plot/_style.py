"""What the displays share: colours, axes, words, and who is asked."""

import numpy as np

BLACK, GREY = "#000000", "#767676"
BLUE, VERMILION = "#0072B2", "#D55E00"
COLOURS = (BLUE, VERMILION, "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe and Ito
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_OUTSIDE = {
    "frameon": False, "fontsize": "small", "borderaxespad": 0.3, "columnspacing": 1,
    "handlelength": 1.8,
}  # fmt: skip
ABOVE = {**_OUTSIDE, "loc": "lower center", "bbox_to_anchor": (0.5, 1)}
BESIDE = {**_OUTSIDE, "loc": "upper left", "bbox_to_anchor": (1, 1)}


def pyplot(display):
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{type(display).__name__}.plot needs matplotlib: pip install 'skdistill[plot]'"
        ) from error
    return plt


def axes(display, ax):
    """Axes to draw on, and their figure."""
    plt = pyplot(display)
    ax = plt.subplots(layout="constrained")[1] if ax is None else ax
    return ax, ax.figure


def shown_class(pos_label, classes, n_classes):
    """Column of the class that is shown, and its label; None twice for the predicted one."""
    labels = np.arange(n_classes) if classes is None else np.asarray(classes)
    if labels.shape != (n_classes,):
        raise ValueError(f"classes has shape {labels.shape}, expected ({n_classes},)")
    labels = labels.tolist()
    if pos_label is None and n_classes > 2:
        return None, None
    pos_label = labels[1] if pos_label is None else pos_label
    if pos_label not in labels:
        raise ValueError(f"pos_label={pos_label!r} is not one of the classes {labels}")
    return labels.index(pos_label), pos_label


def readable(metric):
    """What to write for a scorer's name, and the sign that makes a loss positive."""
    loss = metric.startswith("neg_")
    name = metric.removeprefix("neg_").replace("_", " ").replace("log loss", "log-loss")
    return (f"{name}, lower is better", -1) if loss else (name, 1)


def tick_decades(axis, low, high, *, whole=False, in_bytes=False):
    """Plain numbers on a logarithmic axis, the closer the shorter it is."""
    from matplotlib import ticker

    subs = (1, 2, 5) if high < 300 * low else (1,)
    few = ticker.MaxNLocator(4, integer=whole)  # 1, 2 and 5 may all lie outside
    axis.set_major_locator(few if high < 5 * low else ticker.LogLocator(subs=subs))
    axis.set_minor_locator(ticker.NullLocator())
    plain = ticker.EngFormatter() if in_bytes else ticker.FormatStrFormatter("%g")
    axis.set_major_formatter(plain)
