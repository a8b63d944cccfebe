"""Secrets stay out of the logs, whatever a library writes about a request.

We log none ourselves. uvicorn logs the path of every WebSocket with its query, where resume tokens are; at
level debug it writes all headers, and httpx every URL.
"""

from __future__ import annotations

import logging
import re

LOGGERS = ("uvicorn.error", "uvicorn.access", "uvicorn.asgi", "websockets.client", "httpx", "httpcore")
HIDDEN = "[hidden]"
# uvicorn 0.54 says so, as an error, of every WebSocket that is refused by an HTTP answer, as ASGI has it.
UNTRUE = "ASGI callable returned without completing handshake."
# The names in a query, or a header, after which a secret comes.
_PATTERNS = (
    re.compile(
        r"(?i)(\b(?:authorization|x-audiogpt-resume|cookie)\b[\"']?[:,=]?\s*b?[\"']?)(?!\s*$)[^\"'\r\n]+"
    ),
    re.compile(r"(?i)(\bbearer\s+)[^\s\"',]+"),
    re.compile(r"(\bopenai-insecure-api-key\.)[^\s\"',]+"),
    re.compile(r"(?i)([?&](?:resume|api[-_]?key|key|token|access_token|client_secret)=)[^&\s\"']+"),
    re.compile(r"(\bek_)[\w.-]+"),
    re.compile(r"(\brtc(?:_\d+)?_[0-9a-f]{20}\.)[\w-]{20,}"),
)


def redacted(text: str) -> str:
    """The text with every secret that we know the shape of hidden."""
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    return text


class Redaction(logging.Filter):
    """Hides secrets in a record's message."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record. It is let through, unless it says what is not true."""
        message = record.getMessage()
        if message == UNTRUE:
            return False
        if (hidden := redacted(message)) != message:
            record.msg, record.args = hidden, ()
        return True


_FILTER = Redaction()


def install() -> None:
    """Redact what the libraries log that see requests. Doing so again changes nothing."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
