"""Which web pages may call: ours, and those of the origins that are set."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

ANY = "*"
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def allowed(origin: str | None, host: str, origins: Collection[str]) -> bool:
    """Whether a page of this `Origin` may call the server it knows as `host` (the `Host` header).

    No origin at all is no browser: that caller needs a key, as everybody does, and nothing else.
    """
    if origin is None or ANY in origins:
        return True
    wanted = origin.lower()
    return _is_same(wanted, host.lower()) or wanted in {known.lower() for known in origins}


def _is_same(origin: str, host: str) -> bool:
    """Whether they are one but for the scheme, which is not ours to know: TLS may have ended at a proxy."""
    try:
        ours, theirs = urlsplit(f"//{host}"), urlsplit(origin)
        default = _DEFAULT_PORTS.get(theirs.scheme)
        ports = (ours.port or default, theirs.port or default)
    except ValueError:
        return False
    return bool(theirs.hostname) and ours.hostname == theirs.hostname and ports[0] == ports[1]


def is_public(listener: socket.socket) -> bool:
    """Whether others than this machine can reach the socket."""
    if listener.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    address = ipaddress.ip_address(listener.getsockname()[0].partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return not (mapped or address).is_loopback
