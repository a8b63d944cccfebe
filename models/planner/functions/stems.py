"""Words as functions are matched by: stems, and everyday words that stand for the same matter."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from models.planner.vocabulary import word_set
from models.planner.words import FUNCTION_WORDS

_PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_]+")
_ENDINGS = (("ies", "y"), ("sses", "ss"), ("ations", "ate"), ("ation", "ate"), ("ings", ""), ("ing", ""),
            ("ed", ""), ("es", ""), ("s", ""))  # fmt: skip
_SHORTEST = 3  # letters of a stem: "is" is no plural, "bed" no past

# What a name or a description says without telling one function from another.
EMPTY = FUNCTION_WORDS | word_set(
    "user users given return returns returned information info current currently specific specified"
    " specify provide provided provides tool function api value values name names type types optional"
    " required example string number integer boolean object list array format result results data item"
    " when whether which what who where how e g i eg ie etc use used uses using via into they their them"
    " he she his her based details detail not no yes please person tell know see much many long doing"
    " going"
)
# Verbs that any function might have in its name.
BLAND = word_set(
    "get fetch do run make call perform execute handle retrieve give lookup look show tell set put"
)

# One line, one matter: a word of it in the speech and another in the function's name are as good as the same.
_MATTERS = """
weather forecast rain raining rainy snow snowing sunny cloudy windy umbrella outside climate
stock share quote ticker
email mail inbox
message text sms dm
calendar meeting appointment event schedule agenda
light lamp bulb lighting
thermostat heating heater temperature warm cold degree
buy purchase order
restaurant table dinner reservation
reserve reservation book booking
flight plane fly airport
taxi cab ride uber
elevator lift
news headline
todo task chore
delete remove erase
add insert append
package parcel delivery shipment shipping
balance account bank
price cost expensive cheap
translate translation translator
recipe cook dish meal
route direction navigate distance
phone dial telephone ring
photo picture image camera
find search google
friend contact
hotel room accommodation
movie film cinema
product goods
ticket support
lock unlock door
"""


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """The word without the endings of number and tense; crude, and the same on both sides."""
    word = word.lower().removesuffix("'s")
    for ending, instead in _ENDINGS:
        base = word.removesuffix(ending)
        if (
            base != word
            and len(base) + len(instead) >= _SHORTEST
            and not (ending == "s" and word[-2] in "su")
        ):
            word = base + instead
            break
    if len(word) > _SHORTEST and word[-1] == word[-2] and word[-1] not in "lsz":
        word = word[:-1]  # "planning" -> "plan"
    return word.removesuffix("e") if len(word) > _SHORTEST else word


_MATTER: dict[str, frozenset[int]] = {}
for _number, _line in enumerate(_MATTERS.strip().splitlines()):
    for _word in _line.split():
        _MATTER[stem(_word)] = _MATTER.get(stem(_word), frozenset()) | {_number}


def parts(name: str) -> tuple[str, ...]:
    """The words of an identifier: getWeather, get_weather and get-weather all say "get weather"."""
    return tuple(part.lower() for part in _PARTS.findall(name))


def content(text: str | Iterable[str]) -> dict[str, None]:
    """The stems that carry meaning, in order."""
    words = re.findall(r"[^\W\d_]+", text.lower()) if isinstance(text, str) else text
    return {stem(word): None for word in words if word not in EMPTY and len(word) > 1}


def alike(one: str, other: str) -> float:
    """How far two stems mean the same: 1 for the same, less for the same matter, 0."""
    if one == other:
        return 1.0
    return 0.9 if _MATTER.get(one, frozenset()) & _MATTER.get(other, frozenset()) else 0.0
