"""What the user can mend is refused before any long work, with a remedy."""

from difflib import get_close_matches


class Refused(ValueError):
    """Something given that will not do; names the option, the value and what would."""


def check_known(option, names, possible, what):
    """Refuse names that are not among the possible ones, with those most alike.

    Parameters
    ----------
    option : str
    names, possible : iterable of str
    what : str
        They should be, in words.
    """
    possible = list(possible)
    for name in names:
        if name not in possible:
            alike = get_close_matches(name, possible)
            meant = f"did you mean {' or '.join(map(repr, alike))}? " if alike else ""
            raise Refused(
                f"{option}: {name!r} is not {what}; {meant}there are {listed(possible)}"
            )


def listed(names, most=20):
    """The first names, for a message.

    Parameters
    ----------
    names : iterable of str
    most : int, default=20

    Returns
    -------
    str
    """
    names = list(names)
    return ", ".join(map(repr, names[:most])) + (", ..." if len(names) > most else "")
