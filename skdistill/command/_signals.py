"""What ends a command from outside, handled as Ctrl-C is."""

import signal
import threading
from contextlib import contextmanager

_ENDS = ("SIGTERM", "SIGHUP")  # of schedulers, and of a terminal that closes


@contextmanager
def ended_as_interrupted():
    """Let these signals raise `KeyboardInterrupt`, unless they are handled or ignored."""
    replaced = []
    if threading.current_thread() is threading.main_thread():
        known = [getattr(signal, name) for name in _ENDS if hasattr(signal, name)]
        replaced = [one for one in known if signal.getsignal(one) == signal.SIG_DFL]
    for number in replaced:
        signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number in replaced:
            signal.signal(number, signal.SIG_DFL)


def _interrupt(number, frame):
    raise KeyboardInterrupt
