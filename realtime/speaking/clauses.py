"""Cuts a stream of text into clauses that a voice can begin to say while the rest is still coming. Pure."""

from __future__ import annotations

import re

# A sentence ends at . ! ? … followed by a blank, so that 3.14 and example.com stay whole, or at a line break;
# in Chinese and Japanese, which are written without blanks, at 。！？. A clause ends likewise.
_BORDER = re.compile(
    r"""(?P<sentence>[.!?…]+["'”’)\]]*(?=\s)|[。！？…]*[。！？][」』”’）]*|\n)|[,;:–—](?=\s)|[，、；：]"""
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|prof|st|vs|etc|e\.g|i\.e|a\.m|p\.m)|\b[A-Z])\.$", re.IGNORECASE
)
_NUMBER_SIGN = re.compile(r"\bno\.$", re.IGNORECASE)  # "no. 5", but "No. I do not."
_LIST_MARK = re.compile(r"(?:^|\n)\s*\d{1,3}\.$")  # "1. Wash the rice."
FIRST_CLAUSE = 16  # characters from which the first clause may end at a comma: the voice starts sooner
LONG_CLAUSE = 120  # characters from which any clause may: no clause keeps the voice waiting


class ClauseCutter:
    """Feed text as it comes; get clauses, each with the blanks after it, that join to the whole text.

    Where it is cut depends on the text alone, never on how the text was split into deltas.
    """

    def __init__(self) -> None:
        self._text = ""
        self._first = True

    def feed(self, delta: str) -> list[str]:
        """Take more text; return the clauses that are now complete."""
        self._text += delta
        clauses = []
        while (end := self._border()) is not None:
            clauses.append(self._text[:end])
            self._text = self._text[end:]
            self._first = False
        return clauses

    def flush(self) -> list[str]:
        """The text is complete: return what is left."""
        rest, self._text, self._first = self._text, "", True
        return [rest] if rest else []

    def _border(self) -> int | None:
        """Where the next clause ends, blanks included; None when that is not known yet."""
        least = FIRST_CLAUSE if self._first else LONG_CLAUSE
        for found in _BORDER.finditer(self._text):
            head = self._text[: found.end()]
            if found["sentence"] is None:
                if found.end() >= least:
                    return self._past_blanks(found.end())
            elif head.strip() and not _ABBREVIATION.search(head) and not _LIST_MARK.search(head):
                end = self._past_blanks(found.end())
                if end is None or not (_NUMBER_SIGN.search(head) and self._text[end].isdigit()):
                    return end
        return None

    def _past_blanks(self, end: int) -> int | None:
        """The blanks after a clause belong to it; more may be coming, so wait for what follows them."""
        rest = self._text[end:]
        stripped = rest.lstrip()
        return end + len(rest) - len(stripped) if stripped else None
