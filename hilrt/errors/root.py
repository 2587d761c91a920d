"""The root of every failure hilrt can name."""


class HilrtError(Exception):
    """Root of all errors raised on purpose; the command line prints it and exits with status 2."""
