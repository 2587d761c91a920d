"""`hilrt status`: one look at every run that is alive on this computer."""

from rich.console import Console

from hilrt import taskfile
from hilrt.errors import NoRunError, SegmentAbsentError, SegmentNotReadyError
