"""``python -m skdistill``: the demo, or with ``auto`` first a student for a table on disk."""

import sys


def main(arguments=None):
    """Run one of the two commands.

    Parameters
    ----------
    arguments : list of str, default=None
        Of the command line; None: those of this process.

    Returns
    -------
    int or None
        Exit code.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["auto"]:
        from skdistill import command

        return command.main(arguments[1:])
    from skdistill import demo

    return demo.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
