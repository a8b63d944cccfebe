"""Whether the server may start: others who can reach it have to need a key.

Nothing heavy is imported here: the supervisor of workers asks this too.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from socket import socket

from realtime.config import ConfigError, SecuritySettings
from realtime.security.keys import MAKE_ONE, Keyring, UnusableKeyError
from realtime.security.origins import is_public


def load_keys(
    settings: SecuritySettings, listeners: Sequence[socket], environment: Mapping[str, str] | None = None
) -> Keyring:
    """The keys in the variables that the settings name.

    Raises `ConfigError` when one cannot be used, or there are none and a listener is on a public address.
    """
    try:
        keys = Keyring.from_environment(
            settings.api_keys_env,
            settings.token_secret_env,
            os.environ if environment is None else environment,
        )
    except UnusableKeyError as error:
        raise ConfigError(str(error)) from None
    public = [listener for listener in listeners if is_public(listener)]
    if public and not keys:
        raise ConfigError(
            f"{public[0].getsockname()[0]} can be reached from other machines, and there is no API key: "
            f"anybody could talk to the server. Set one: export {settings.api_keys_env}=$({MAKE_ONE}), "
            f"or listen on this machine only: --host 127.0.0.1"
        )
    return keys


def share_secret(settings: SecuritySettings) -> None:
    """Let this process' children sign tokens alike where there is nothing to derive a secret from."""
    if not os.environ.get(settings.api_keys_env) and not os.environ.get(settings.token_secret_env):
        os.environ[settings.token_secret_env] = secrets.token_urlsafe(32)
