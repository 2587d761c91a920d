"""The command line: `hilrt`, and what becomes of errors. Its commands are in `app`."""

import sys

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


def main() -> None:
    """Console entry: a named error is one message and exit status 2; Ctrl-C, while all this loads too, is none."""
    try:
        _run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _run() -> None:
    from hilrt.cli.app import app  # noqa: PLC0415 - a tenth of a second, in which somebody may press Ctrl-C
    from hilrt.cli.surroundings import prepare  # noqa: PLC0415

    try:
        prepare()
        app(prog_name="hilrt")
    except Exception as error:
        from hilrt.errors import HilrtError  # noqa: PLC0415 - `hilrt --help` has no use for them

        if not isinstance(error, HilrtError):
            raise
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
