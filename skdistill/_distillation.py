"""Label, assemble, bind, fit: the work of a distillation, as functions of plain arguments."""

from contextlib import contextmanager


@contextmanager
def named_in_errors(role, estimator):
    """Say of an error whose it is: teacher and student may well be of one class."""
    try:
        yield
    except Exception as error:
        error.add_note(f"This happened in the work of {role}={type(estimator).__name__}.")
        raise
