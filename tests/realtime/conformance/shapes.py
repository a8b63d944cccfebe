"""The shapes of events, by the pydantic types of the `openai` package, strictly.

Its models keep fields that they do not know, and their unions take what fits best: both would hide a mistake.
So an event has to come back from its type as it was, with no field that the type does not name.
"""

from __future__ import annotations

import json
import warnings
from typing import Any, get_args

from openai.types.realtime import RealtimeServerEvent
from pydantic import BaseModel, TypeAdapter, ValidationError

MODELS: dict[str, type[BaseModel]] = {
    get_args(model.model_fields["type"].annotation)[0]: model
    for model in get_args(get_args(RealtimeServerEvent)[0])
}
# The session that the protocol's own server shows has these; the types of the package name them only in the
# answer of `client_secrets`.
SHOWN = {".session.object", ".session.id", ".session.expires_at"}
ANY: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)


def faults(event: dict[str, Any]) -> list[str]:
    """What is wrong with the shape of a server event that is the protocol's; nothing, of most."""
    model = MODELS.get(str(event.get("type")))
    if model is None:
        return [f"the protocol has no event {event.get('type')!r}"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            read = model.model_validate_json(json.dumps(event), strict=True)
            back = json.loads(read.model_dump_json(exclude_unset=True))
        except (ValidationError, UserWarning) as error:
            return [str(error)]
    found = [f"unknown field {where}" for where in unknown(read) if where not in SHOWN]
    if back != event:
        found.append("it does not come back from its type as it was")
    if not isinstance(ANY.validate_python(event), model):
        found.append("the union of all events takes it for another one")
    return found


def unknown(value: object, where: str = "") -> list[str]:
    """The paths of fields that their models do not name."""
    if isinstance(value, list):
        return [found for index, one in enumerate(value) for found in unknown(one, f"{where}[{index}]")]
    if not isinstance(value, BaseModel):
        return []
    extra = [f"{where}.{name}" for name in value.model_extra or {}]
    named = type(value).model_fields
    inside = [found for name in named for found in unknown(getattr(value, name, None), f"{where}.{name}")]
    return extra + inside
