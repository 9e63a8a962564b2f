"""What can go wrong that a user can act on, each with its exit code.

Every message says what was given, what is wrong and what to do. The command line prints it as one line.
"""

from __future__ import annotations


class LongreadError(Exception):
    """Base of all errors a user can act on; anything else that escapes is a defect."""

    exit_code = 1


class UsageError(LongreadError):
    """The command, a setting or an option is wrong."""

    exit_code = 2


class InputError(LongreadError):
    """Nothing that was named could be read."""


class ModelError(LongreadError):
    """The model or its server did not give a usable reply. The journal is kept."""


class RunBusyError(LongreadError):
    """Another process is writing to the same run."""


class CapReached(LongreadError):  # noqa: N818 -- a stop the user asked for, not a fault
    """A budget the user set is used up. The journal is kept."""

    exit_code = 4
