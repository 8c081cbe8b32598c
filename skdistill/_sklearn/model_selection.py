"""The base of every hyper-parameter search; scikit-learn exports only its children.

Checked on 1.7.2 and 1.9.1.
"""

from sklearn.model_selection._search import BaseSearchCV

__all__ = ["BaseSearchCV"]
