"""Teachers: what they must be, what they say, and the soft labels they give."""

from skdistill.teachers._ask import ask, ask_teacher, class_frequencies, teacher_of
from skdistill.teachers._check import check_teacher, is_frozen, resolve_teacher
from skdistill.teachers._labels import TeacherLabels, ask_fitted, forget_cache, label_rows

__all__ = [
    "TeacherLabels",
    "ask",
    "ask_fitted",
    "ask_teacher",
    "check_teacher",
    "class_frequencies",
    "forget_cache",
    "is_frozen",
    "label_rows",
    "resolve_teacher",
    "teacher_of",
]
