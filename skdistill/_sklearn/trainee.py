"""A student that is, for the time of its fit, of a subclass that reads a combined loss.

scikit-learn's classifiers have no public hook for a loss; a subclass overrides the private
methods that read targets, and the student itself is trained, so that nothing is copied
and nothing of the subclass stays.
"""

from contextlib import contextmanager


@contextmanager
def trained_as(trainee, student, overridden, **lent):
    """Lend a student another class, and attributes that its methods read.

    Parameters
    ----------
    trainee : type
        Subclass of the student's class.
    student : classifier
    overridden : iterable of str
        Private methods that `trainee` overrides.
    **lent : dict
        Attributes of the student for the time of its fit.

    Raises
    ------
    ImportError
        If this scikit-learn has one of the methods no more.
    """
    own = type(student)
    if moved := [name for name in overridden if not hasattr(own, name)]:
        raise ImportError(f"this scikit-learn has no {own.__name__}.{moved[0]}, needed to fit")
    student.__class__ = trainee
    vars(student).update(lent)
    try:
        yield student
    finally:
        student.__class__ = own
        for name in lent:
            delattr(student, name)
