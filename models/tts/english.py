"""English words as flite can say them: ASCII, symbols and addresses spelt out.

flite itself reads numbers, money in dollars, times, dates, fractions, abbreviations and units, so they are
left as they are. What it does not know (other currencies, most symbols, accents, web addresses) is
rewritten here; letters of another script have no English reading and are left out.
"""

from __future__ import annotations

import re
import unicodedata

_SYMBOLS = {
    "%": "percent", "&": "and", "+": "plus", "=": "equals", "@": "at", "#": "number", "°": "degrees",
    "€": "euros", "£": "pounds", "¥": "yen", "₹": "rupees", "×": "times", "÷": "divided by",
    "<": "less than", ">": "greater than", "½": "a half", "¼": "a quarter", "¾": "three quarters",
    "©": "copyright", "±": "plus or minus", "−": "minus", "→": "to", "²": "squared", "³": "cubed",
}  # fmt: skip
_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ð": "th",
     "þ": "th", "ł": "l", "Ł": "L", "ı": "i", "’": "'", "‘": "'", "ʼ": "'", "‐": "-", "‑": "-"}
)  # fmt: skip
_IN_ADDRESS = {".": "dot", "/": "slash", "-": "dash", "_": "underscore", "@": "at", ":": "colon", "&": "and",
               "=": "equals", "?": "question mark", "#": "hash", "%": "percent", "+": "plus"}  # fmt: skip
_ADDRESS = re.compile(
    r"(?:https?://|www\.)\S+|\S+@\S+\.\w+|[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|io|dev|edu|gov|uk|de|ai)(?:/\S*)?",
    re.IGNORECASE,
)
_CURRENCY_FIRST = re.compile(r"([€£¥₹])([\d.,]+)")
_MINUS = re.compile(r"^[-−](?=[\d$€£])")
# flite copies some tokens into buffers of fixed size and recurses once a character over mixed ones.
_LONGEST = 30


def spoken(core: str) -> list[str]:
    """Give the tokens in which flite is to say a word of the text; none if it cannot be said in English."""
    if _ADDRESS.fullmatch(core):
        plain = re.sub(r"^https?://", "", core, flags=re.IGNORECASE).rstrip("/")
        pieces = re.split(r"([./\-_@:&=?#%+])", _ascii(plain))
        named = " ".join(_IN_ADDRESS.get(piece, piece) for piece in pieces)
    else:
        named = _MINUS.sub("minus ", _CURRENCY_FIRST.sub(r"\2\1", core))
        named = "".join(f" {_SYMBOLS[char]} " if char in _SYMBOLS else char for char in named)
        named = re.sub(r"(?<=[^\W\d])/(?=[^\W\d])", " ", _ascii(named))
    tokens: list[str] = []
    for piece in re.sub(r"[^A-Za-z0-9$.,:/'\- ]", " ", named).split():
        token = piece.strip(".,:/'-")
        tokens += (token[at : at + _LONGEST] for at in range(0, len(token), _LONGEST))
    return [token for token in tokens if any(char.isalnum() for char in token)]


def _ascii(text: str) -> str:
    """Take accents off letters, and turn the digits of any script into 0 to 9."""
    plain = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return "".join(
        str(unicodedata.decimal(char)) if char.isdecimal() else char
        for char in plain
        if not unicodedata.combining(char)
    )
