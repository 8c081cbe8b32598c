"""Students: one file per family, one verb over all of them, `fit_student`.

Every module of this folder is imported here and registers its classes, so that a new
family is one new file.
"""

import importlib
import pkgutil

from skdistill.students._defaults import resolve_student
from skdistill.students._reduction import check_student
from skdistill.students._registry import (
    Fitted,
    Unsupported,
    available,
    check_refine,
    fit_student,
    leaves_of,
    refine_pays,
    register,
    search_space,
)

__all__ = [
    "Fitted",
    "Unsupported",
    "available",
    "check_refine",
    "check_student",
    "fit_student",
    "leaves_of",
    "refine_pays",
    "register",
    "resolve_student",
    "search_space",
]

for _module in pkgutil.iter_modules(__path__, prefix=f"{__name__}."):
    importlib.import_module(_module.name)
