"""STUN and TURN servers, with credentials that expire (the TURN REST API, draft-uberti-behave-turn-rest-00).

A TURN server and we share a secret. Who is to use the relay gets a name that holds when it expires, and as
its password the name signed with the secret; the TURN server checks both without asking us. In coturn that
is `use-auth-secret` with `static-auth-secret`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Mapping
from typing import Any

from realtime.config import MediaSection
from realtime.transport.webrtc import IceServer


def turn_credentials(secret: str, name: str, expires: int) -> tuple[str, str]:
    """User name and password for `name` (a session; no colon) until `expires` (Unix time, seconds)."""
    username = f"{expires}:{name}"
    # SHA-1 is what the scheme prescribes; as an HMAC it is sound.
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode("ascii")


class IceServers:
    """The servers of the settings, with fresh credentials each time they are asked for."""

    def __init__(self, media: MediaSection, environment: Mapping[str, str] | None = None) -> None:
        known = os.environ if environment is None else environment
        self._urls = media.ice_servers
        self._secret = known.get(media.turn_secret_env, "") if media.turn_secret_env else ""
        self._ttl = media.turn_ttl

    def fresh(self) -> tuple[IceServer, ...]:
        """The servers for one connection made now."""
        # A name of its own for every connection: TURN servers count and limit by name.
        name, expires = secrets.token_hex(8), int(time.time()) + self._ttl
        return tuple(self._server(url, name, expires) for url in self._urls)

    def as_json(self) -> list[dict[str, Any]]:
        """The servers as a browser's `RTCConfiguration.iceServers` has them."""
        return [
            {"urls": server.url, "username": server.username, "credential": server.credential}
            if server.username is not None
            else {"urls": server.url}
            for server in self.fresh()
        ]

    def _server(self, url: str, name: str, expires: int) -> IceServer:
        if not self._secret or not url.startswith(("turn:", "turns:")):
            return IceServer(url)
        return IceServer(url, *turn_credentials(self._secret, name, expires))
