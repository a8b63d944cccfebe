"""A chat-completions server's failures in words: cause and remedy, never a secret."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import openai

_LONGEST_DETAIL = 200  # characters of the server's own message


def shown_url(url: str) -> str:
    """A URL fit for a message: without user, password and query."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    return f"{parts.scheme}://{host}{port}{parts.path}" if host else "an address without a host"


def explain(error: Exception, *, url: str, model: str, key: str, key_env: str, timeout_s: float) -> str:
    """What went wrong, and what helps.

    Args:
        error: What the client raised.
        url: The API's base URL, which is shown without credentials.
        model: The model asked for.
        key: The API key, to be struck out should the server quote it.
        key_env: The environment variable the key is read from.
        timeout_s: How long a token was waited for, in seconds.
    """
    where = f"the language model server at {shown_url(url)}"
    if isinstance(error, openai.APITimeoutError | TimeoutError):
        return (
            f"{where} sent nothing for {timeout_s:g} seconds; check that it is not"
            f" overloaded, or raise timeout_s"
        )
    if isinstance(error, openai.APIStatusError):
        detail = _detail(error, key)
        return f"{where} {_status(error.status_code, model, key_env, given=bool(key))}{detail}"
    if isinstance(error, openai.APIConnectionError):
        if error.__cause__ is not None and "Connect" in type(error.__cause__).__name__:
            return f"{where} cannot be reached; start it, or correct the planner's url"
        return f"{where} broke off in the middle of a reply; try again, and look into its log"
    if isinstance(error, openai.APIError):
        return f"{where} reported an error in the middle of a reply{_detail(error, key)}"
    return (
        f"{where} sent something that is not a chat-completions stream; check that the"
        f" planner's url ends at the API's base, such as /v1"
    )


def _status(status: int, model: str, key_env: str, *, given: bool) -> str:
    if status in {401, 403}:
        return f"refused the key in {key_env}; set a valid one" if given else f"wants a key; set {key_env}"
    if status == 404:
        return (
            f"has no model {model!r}, or no chat-completions API at this url; correct the"
            f" planner's model or url"
        )
    if status == 429:
        return "is over its rate limit or quota; wait, or raise the limit"
    if status >= 500:
        return f"failed (HTTP {status}); try again, and look into its log"
    return f"refused the request (HTTP {status})"


def _detail(error: openai.APIError, key: str) -> str:
    text = " ".join(str(error.message).split())
    text = re.sub(r"^Error code: \d+(?: - )?", "", text)
    if found := re.search(r"'message': (['\"])(.+?)\1(?:,|})", text):
        text = found[2]
    if key:
        text = text.replace(key, "[key]")
    text = re.sub(r"(?i)\b(?:sk|key|tok)-[\w*.-]{6,}|bearer \S+", "[key]", text)
    return f": {text[:_LONGEST_DETAIL]}" if text else ""
