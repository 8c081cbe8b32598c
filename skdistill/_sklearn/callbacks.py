"""Whether callbacks were set on an estimator; scikit-learn has no public question for it.

Callbacks came with 1.9; earlier versions never have them. Checked on 1.7.2 and 1.9.1.
"""


def has_callbacks(estimator):
    """Whether ``set_callbacks`` has been called with any."""
    return bool(getattr(estimator, "_skl_callbacks", ()))
