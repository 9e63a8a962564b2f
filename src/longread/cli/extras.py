"""What is told where a command needs packages that come with an extra."""

from __future__ import annotations


def need(extra: str, *modules: str) -> None:
    """UsageError unless all of the modules can be imported; none is imported here."""
    from importlib.util import find_spec

    from longread.errors import UsageError

    if any(find_spec(module) is None for module in modules):
        raise UsageError(f"this command needs an extra: pip install 'longread[{extra}]'")
