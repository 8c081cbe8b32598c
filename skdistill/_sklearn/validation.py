"""Row selection that keeps containers: frames, polars, sparse matrices, lists of text.

scikit-learn has no public function for either. Checked on 1.7.2 and 1.9.1.
"""

from sklearn.utils import _safe_indexing as take_rows
from sklearn.utils.validation import _check_method_params as take_params

__all__ = ["take_params", "take_rows"]
