"""Opens the model, listens, and ends so that nothing is lost."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from ipaddress import ip_address

import uvicorn

from longread.config import Settings
from longread.errors import UsageError
from longread.models.openai import OpenAIModel
from longread.models.pool import PoolModel
from longread.reading.language import LanguagePolicy
from longread.reading.opening import Opened, open_policy
from longread.server.api.app import build
from longread.server.api.chat import Chat
from longread.server.api.desk import Desk
from longread.server.api.keys import Keys
from longread.server.api.limits import Limits
from longread.server.api.owners import Owners
from longread.server.api.relay import BoundedRelay, EndpointRelay, ModelRelay, Relay
from longread.server.api.spread import SpreadRelay

_PATIENCE = 10
"""Seconds that open connections have to end when the server does."""
_BACKLOG = 2_048


async def serve(
    settings: Settings,
    host: str,
    port: int,
    keys: Keys,
    limits: Limits,
    say: Callable[[str], None],
    *,
    hosts: Iterable[str] = (),
    yes: bool = False,
) -> None:
    """Serves until the process is told to end (SIGINT or SIGTERM).

    Args:
        settings: Of all runs.
        host: Address or name to listen at.
        port: 0 takes a free one.
        keys: Who may ask. Without any, only this machine may.
        limits: How much is taken on.
        say: Takes remarks for the user.
        hosts: Names under which the server is reached besides.
        yes: Whether much text may go to an endpoint that may cost money.

    Raises:
        UsageError: It would be open to everybody, or cannot listen there.
        ModelError: There is no such model.
    """
    if not keys and not is_local(host):
        raise UsageError(
            f"--host {host} can be reached from other machines; give --api-key-file (make keys with --new-key), "
            "or leave --host out"
        )
    listener = _listen(host, port)
    async with AsyncExitStack() as stack:
        stack.callback(listener.close)
        opened = await open_policy(settings)
        stack.push_async_callback(opened.close)
        say(opened.choice)
        owners = Owners(settings.state_dir / "serve", settings, limits)
        stack.callback(owners.close)
        desk = Desk(opened, settings, limits, yes=yes)
        relay = _relay(opened, settings, limits)
        if relay:
            stack.push_async_callback(relay.close)
        app = build(desk, Chat(desk, relay), owners, keys, limits, (host, *hosts))
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, date_header=False, lifespan="off",
            limit_concurrency=None, timeout_graceful_shutdown=_PATIENCE, h11_max_incomplete_event_size=65_536,
        )  # fmt: skip
        address, chosen = listener.getsockname()[:2]
        shown = f"[{address}]" if ":" in address else address
        say(f"serving at http://{shown}:{chosen}/ (page) and http://{shown}:{chosen}/v1 (API)")
        await _Server(config, desk).serve([listener])


class _Server(uvicorn.Server):
    """Ends all runs first: their streams would keep it waiting."""

    def __init__(self, config: uvicorn.Config, desk: Desk) -> None:
        super().__init__(config)
        self._desk = desk

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Runs are told to end, then connections are."""
        await self._desk.close()
        await super().shutdown(sockets)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's event loop, which takes half the time of asyncio's, where there is one for the system."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def is_local(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise UsageError(f"--host {host} --port {port}: {error.strerror or error}; choose another") from error


def _relay(opened: Opened, settings: Settings, limits: Limits) -> Relay | None:
    policy = opened.policy
    if not isinstance(policy, LanguagePolicy):
        return None
    model = policy.model

    def relay(server: OpenAIModel, at: int = 0) -> EndpointRelay:
        # A server that was found by itself was not given a key.
        key = settings.servers[at].api_key if settings.servers else None
        secret = key.get_secret_value() if key else None
        return EndpointRelay(server.base_url, secret, settings.timeout, server.name)

    if isinstance(model, PoolModel):
        relays = {backend: relay(server, at) for at, (backend, server) in enumerate(model.servers.items())}
        return BoundedRelay(SpreadRelay(relays, model.balancer), limits.relayed)
    if isinstance(model, OpenAIModel):
        return BoundedRelay(relay(model), limits.relayed)
    return ModelRelay(model, policy.budgets.answer)
