"""Which IP addresses a WebRTC connection offers, from the words of a setting."""

from __future__ import annotations

import socket

import ifaddr


def parse_address(text: str) -> tuple[str, str]:
    """Split an address to offer, "LOCAL" or "PUBLIC@LOCAL", into (announced, bound). Raises `ValueError`."""
    public, _, local = text.rpartition("@")
    for address in (public or local, local):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            socket.inet_pton(family, address)
        except OSError:
            raise ValueError(
                f"{text!r} is no address to offer: write an IP address of this machine, such as 127.0.0.1, "
                "or PUBLIC@LOCAL where a router forwards the UDP ports from PUBLIC to LOCAL."
            ) from None
    return public or local, local


def host_addresses() -> list[str]:
    """IPv4 and global IPv6 addresses of this machine without loopback, or loopback if there is no other."""
    found = [ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips]
    usable = [ip for ip in found if isinstance(ip, str) and not ip.startswith("127.")]
    usable += [ip[0] for ip in found if isinstance(ip, tuple) and ip[0] != "::1" and ip[2] == 0]
    return usable or ["127.0.0.1"]
