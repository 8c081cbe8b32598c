"""Notes on errors: whose work it was."""

from contextlib import contextmanager


@contextmanager
def named_in_errors(whose):
    """Say of an error whose it is: teacher and student may well be of one class.

    Parameters
    ----------
    whose : str
    """
    try:
        yield
    except Exception as error:
        error.add_note(f"This happened in the work of {whose}.")
        raise
