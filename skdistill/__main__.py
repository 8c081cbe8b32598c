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
        Exit code; 2 for a command that there is not.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["auto"]:
        from skdistill import command

        return command.main(arguments[1:])
    if arguments and not arguments[0].startswith("-"):
        sys.stderr.write(
            f"error: there is no command {arguments[0]!r}; python -m skdistill auto explores "
            "students for a table, and without a command there is a demo\n"
        )
        return 2
    from skdistill import demo

    return demo.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
