"""Which pages may call, and which sockets others can reach."""

from __future__ import annotations

import socket

import pytest

from realtime.security.origins import allowed, is_public


@pytest.mark.parametrize(
    ("origin", "host", "origins", "may"),
    [
        (None, "a.example", (), True),  # no browser
        ("https://a.example", "a.example", (), True),
        ("https://a.example", "A.Example", (), True),
        ("https://a.example", "a.example:443", (), True),
        ("http://a.example", "a.example", (), True),  # TLS may end at a proxy
        ("http://a.example:8080", "a.example:8080", (), True),
        ("http://[::1]:8080", "[::1]:8080", (), True),
        ("http://a.example:8080", "a.example", (), False),
        ("https://b.example", "a.example", (), False),
        ("https://a.example.evil", "a.example", (), False),
        ("https://sub.a.example", "a.example", (), False),
        ("https://b.example", "a.example", ("https://b.example",), True),
        ("https://B.example", "a.example", ("https://b.EXAMPLE",), True),
        ("http://b.example", "a.example", ("https://b.example",), False),
        ("https://b.example:444", "a.example", ("https://b.example",), False),
        ("https://b.example", "a.example", ("*",), True),
        ("null", "a.example", (), False),
        ("null", "null", (), False),
        ("", "", (), False),
        ("http://a:b:c", "a", (), False),
        ("http://a.example", "a:b:c", (), False),
        ("http://[", "[", (), False),
    ],
)
def test_origins(origin: str | None, host: str, origins: tuple[str, ...], may: bool) -> None:
    assert allowed(origin, host, origins) is may


@pytest.mark.parametrize(
    ("family", "address", "public"),
    [
        (socket.AF_INET, "127.0.0.1", False),
        (socket.AF_INET, "127.1.2.3", False),
        (socket.AF_INET, "0.0.0.0", True),
        (socket.AF_INET6, "::1", False),
        (socket.AF_INET6, "::", True),
        (socket.AF_INET6, "::ffff:127.0.0.1", False),
    ],
)
def test_a_listener_is_public_unless_it_is_on_loopback(
    family: socket.AddressFamily, address: str, public: bool
) -> None:
    with socket.socket(family) as listener:
        try:
            listener.bind((address, 0))
        except OSError as error:
            pytest.skip(f"this machine has no {address}: {error}")
        assert is_public(listener) is public


def test_a_unix_socket_is_for_this_machine() -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        assert not is_public(listener)
