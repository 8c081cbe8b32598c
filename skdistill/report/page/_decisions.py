"""Right and wrong decisions: by threshold for two classes, and by class."""

from sklearn.metrics import confusion_matrix

from skdistill.metrics._arrays import weights
from skdistill.metrics._intervals import ratio

THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
MANY = 20  # classes: a larger table of confusions is in the model card alone


def decisions(case):
    """What the chosen row decides on held-out rows.

    Parameters
    ----------
    case : Case

    Returns
    -------
    dict
        "thresholds" of two classes; "confusion", rows by outcome and columns by prediction;
        "by_class" precision and recall.
    """
    proba, y = case.held_out.proba[case.chosen], case.held_out.y
    weight = weights(case.held_out.sample_weight, len(y))
    predicted = case.classes[proba.argmax(axis=1)]
    table = confusion_matrix(y, predicted, labels=case.classes, sample_weight=weight)
    two = len(case.classes) == 2
    return {
        "thresholds": _thresholds(y == case.classes[1], proba[:, 1], weight) if two else [],
        "classes": [str(label) for label in case.classes],
        "confusion": table.tolist(),
        "by_class": _by_class(case.classes, table),
        "shown": len(case.classes) <= MANY,
    }


def _thresholds(event, score, weight):
    """Who is accepted where the probability is at least so large, and who is right."""
    found = []
    for threshold in THRESHOLDS:
        accepted = score >= threshold
        hits = weight @ (accepted & event)
        found.append(
            {
                "threshold": threshold,
                "accepted": weight @ accepted / weight.sum(),
                "precision": ratio(hits, weight @ accepted),
                "recall": ratio(hits, weight @ event),
                "false_positive_rate": ratio(weight @ (accepted & ~event), weight @ ~event),
                "accuracy": weight @ (accepted == event) / weight.sum(),
            }
        )
    return found


def _by_class(classes, table):
    hits = table.diagonal()
    return [
        {"class": str(label), "n": there, "precision": precision, "recall": recall}
        for label, there, precision, recall in zip(
            classes,
            table.sum(axis=1),
            ratio(hits, table.sum(axis=0)),
            ratio(hits, table.sum(axis=1)),
            strict=True,
        )
    ]
