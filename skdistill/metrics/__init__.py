r"""How near a student comes to its teacher, and how much of its lead it keeps.

Pure functions on arrays of probabilities, columns in the order of the sorted classes;
scikit-learn's own metrics answer the rest (`log_loss`, `brier_score_loss`,
`roc_auc_score`, `accuracy_score`). Four questions:

- *fidelity*, the student against the teacher, no outcome needed: `kl_divergence`,
  `total_variation` and `agreement`, row by row; `swap_share`, of decisions; `ks_distance`
  and `r2_sorted`, of the two distributions of scores, whichever rows they belong to;
- *loss*, what is minimised in fitting: `combined_loss`, and `log_loss_by_row`;
- *calibration*: `observed_over_expected`, in the large, `expected_calibration_error` and
  `calibration_line`;
- *worth*, against outcomes: `retention` of the teacher's lead over the same student
  fitted on hard labels, and `separation_ks` as in credit scoring.

Rows are weighted means throughout, so that integer weights are repeated rows. Where there
is a value for each class, ``average="macro"`` is their plain mean over the classes that
have one.
"""

from skdistill.metrics._calibration import (
    CalibrationLine,
    calibration_event,
    calibration_line,
    expected_calibration_error,
    observed_over_expected,
)
from skdistill.metrics._fidelity import (
    agreement,
    kl_divergence,
    ks_distance,
    r2_sorted,
    swap_share,
    total_variation,
)
from skdistill.metrics._loss import combined_loss, log_loss_by_row
from skdistill.metrics._worth import Retention, retention, separation_ks

__all__ = [
    "CalibrationLine",
    "Retention",
    "agreement",
    "calibration_event",
    "calibration_line",
    "combined_loss",
    "expected_calibration_error",
    "kl_divergence",
    "ks_distance",
    "log_loss_by_row",
    "observed_over_expected",
    "r2_sorted",
    "retention",
    "separation_ks",
    "swap_share",
    "total_variation",
]
