"""Sums as people say them, worked out exactly (fractions) as far as they are rational.

Grammar, with the precedence of school (a sum of products of powers):

    sum     = product { (plus | minus) product [percent] }
    product = power { (times | divided by | over | modulo) power }
    power   = factor { (to the power of power | squared | cubed | factorial) }
    factor  = minus factor | function of factor | the (sum | product ...) of sum and sum | part of factor
            | number [percent [of factor]]
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

from models.planner.numbers import NUMBER_WORDS, parse_number
from models.planner.rules import Candidate, Context, Rule, rule, search
from models.planner.vocabulary import word_set
from models.planner.words import Reading

Number = Fraction | float

_LARGEST_DIGITS = 400  # powers and factorials beyond are not worked out
_LARGEST_FACTORIAL = 170
_LONGEST_SPOKEN = 10**15  # larger results are said as "about ... times ten to the ..."


class _NoSumError(Exception):
    """The words are not a sum."""


class _ImpossibleError(Exception):
    """The sum has no answer; the message says why, in words to speak."""


_Phrases = dict[str, list[tuple[tuple[str, ...], str]]]


def _phrases(*groups: tuple[str, str]) -> _Phrases:
    """Phrases by their first word, the longest first, each with what it stands for."""
    listed = [(tuple(phrase.split()), name) for phrases, name in groups for phrase in phrases.split(",")]
    by_opening: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for phrase, name in sorted(listed, key=lambda entry: -len(entry[0])):
        by_opening.setdefault(phrase[0], []).append((phrase, name))
    return by_opening


_ADDING = _phrases(
    ("plus,+,added to,add,and add,plus plus,pus", "+"),
    ("minus,-,take away,less,subtract,takeaway,minors", "-"),
)
_MULTIPLYING = _phrases(
    ("times,multiplied by,multiplied with,x,time,multiply by,times by", "*"),
    ("divided by,over,/,divide by,divided through,divided", "/"),
    ("modulo,mod,modulus", "%"),
)
_POWERING = _phrases(
    ("to the power of,raised to the power of,to the power,^,raised to,power", "^"),
    ("squared,square", "2"),
    ("cubed,cube", "3"),
    ("factorial", "!"),
)
_FUNCTIONS = _phrases(
    (
        ("the square root of,square root of,square root,root of,square route of,squared root of,the root of"),
        "sqrt",
    ),
    ("the cube root of,cube root of,cubic root of,cubed root of", "cbrt"),
    ("the square of,square of", "2"),
    ("the cube of,cube of", "3"),
    ("double,twice", "double"),
    ("triple,thrice", "triple"),
    ("half of,half,one half of,a half of", "half"),
    ("the factorial of,factorial of", "!"),
    ("a third of,one third of", "third"),
    ("a quarter of,one quarter of", "quarter"),
)
_TWO_PLACE = _phrases(
    ("the sum of,sum of,sum,add,add up", "+"),
    ("the product of,product of,multiply", "*"),
    ("the difference between,difference between,the difference of", "-"),
    ("the quotient of,quotient of,divide", "/"),
    ("subtract,take", "from"),
    ("the average of,average of,the mean of,the average between", "mean"),
)
_PERCENT = frozenset({"percent", "cent"})


def _power(base: Number, exponent: Number) -> Number:
    if base == 0 and exponent < 0:
        raise _ImpossibleError("Zero has no negative powers: that would be a division by zero.")
    if exponent == int(exponent) and isinstance(base, Fraction):
        digits = abs(int(exponent)) * max(len(str(base.numerator)), len(str(base.denominator)))
        if digits > _LARGEST_DIGITS and abs(base) != 1 and base != 0:
            raise _ImpossibleError("That number is too large for me.")
        return Fraction(base ** int(exponent))
    if base < 0:
        raise _ImpossibleError("A negative number has no such power among the real numbers.")
    try:
        return math.pow(base, exponent)
    except OverflowError:
        raise _ImpossibleError("That number is too large for me.") from None


def _root(value: Number, degree: int) -> Number:
    if value < 0 and degree == 2:
        raise _ImpossibleError("A negative number has no square root among the real numbers.")
    if isinstance(value, Fraction):
        exact = [
            round(abs(part) ** (1 / degree)) if part < 10**300 else 0
            for part in (abs(value.numerator), value.denominator)
        ]
        root = Fraction(exact[0], exact[1] or 1)
        if root**degree == abs(value):
            return root if value >= 0 else -root
    try:
        return math.copysign(abs(float(value)) ** (1 / degree), float(value))
    except OverflowError:
        raise _ImpossibleError("That number is too large for me.") from None


def _factorial(value: Number) -> Number:
    if value != int(value) or value < 0:
        raise _ImpossibleError("Only whole numbers from zero up have a factorial.")
    if value > _LARGEST_FACTORIAL:
        raise _ImpossibleError("That number is too large for me.")
    return Fraction(math.factorial(int(value)))


def _divide(x: Number, y: Number, *, remainder: bool = False) -> Number:
    if y == 0:
        raise _ImpossibleError("I can't divide by zero: no number times zero gives anything but zero.")
    return x % y if remainder else x / y


def _binary(sign: str, x: Number, y: Number) -> Number:
    operations: dict[str, Callable[[Number, Number], Number]] = {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "/": _divide,
        "%": lambda a, b: _divide(a, b, remainder=True),
        "from": lambda a, b: b - a,
        "mean": lambda a, b: (a + b) / 2,
    }
    try:
        return operations[sign](x, y)
    except OverflowError:
        raise _ImpossibleError("That number is too large for me.") from None


_UNARY: dict[str, Callable[[Number], Number]] = {
    "sqrt": lambda v: _root(v, 2),
    "cbrt": lambda v: _root(v, 3),
    "2": lambda v: _power(v, Fraction(2)),
    "3": lambda v: _power(v, Fraction(3)),
    "!": _factorial,
    "double": lambda v: v * 2,
    "triple": lambda v: v * 3,
    "half": lambda v: v / 2,
    "third": lambda v: v / 3,
    "quarter": lambda v: v / 4,
}


class _Parser:
    """Recursive descent over words; `at` is the next word, `operations` how many were read."""

    def __init__(self, words: Sequence[str], at: int) -> None:
        self.words, self.at, self.operations = words, at, 0

    def take(self, phrases: _Phrases) -> str:
        opening = self.words[self.at] if self.at < len(self.words) else ""
        for phrase, name in phrases.get(opening, ()):
            if tuple(self.words[self.at : self.at + len(phrase)]) == phrase:
                self.at += len(phrase)
                self.operations += 1
                return name
        return ""

    def skip(self, *words: str) -> bool:
        if self.at < len(self.words) and self.words[self.at] in words:
            self.at += 1
            return True
        return False

    def sum(self) -> Number:
        value = self.product()
        while True:
            begin, before = self.at, self.operations
            sign = self.take(_ADDING)
            if not sign:
                return value
            try:
                right = self.product()
            except _NoSumError:
                self.at, self.operations = begin, before
                return value
            if self.words[self.at - 1] in _PERCENT:
                right = value * right  # "fifty plus ten percent" is 55
            value = _binary(sign, value, right)

    def product(self) -> Number:
        value = self.power()
        while True:
            begin, before = self.at, self.operations
            sign = self.take(_MULTIPLYING)
            if not sign:
                return value
            try:
                right = self.power()
            except _NoSumError:
                self.at, self.operations = begin, before
                return value
            value = _binary(sign, value, right)

    def power(self) -> Number:
        value = self.factor()
        while sign := self.take(_POWERING):
            value = _power(value, self.power()) if sign == "^" else _UNARY[sign](value)
        return value

    def factor(self) -> Number:
        begin, before = self.at, self.operations
        self.skip("the")
        if self.skip("minus", "negative", "-"):
            return -self.power()
        if sign := self.take(_TWO_PLACE):
            return self.two_place(sign)
        self.at, self.operations = begin, before
        if name := self.take(_FUNCTIONS):
            try:
                return _UNARY[name](self.factor())
            except _NoSumError:
                self.at, self.operations = begin, before
        found = parse_number(self.words, self.at, loose=True)
        if found is None:
            raise _NoSumError
        value: Number = found[0]
        self.at = found[1]
        return self.scaled(value)

    def scaled(self, value: Number) -> Number:
        """A number that may be a percentage or a share: "15 percent of 80", "two thirds of nine"."""
        begin = self.at
        if self.skip("percent") or (self.skip("per") and self.skip("cent", "sent")):
            self.operations += 1
            value = value / 100
        if (
            self.at < len(self.words) - 1
            and self.words[self.at] in {"of", "off"}
            and (self.at > begin or value < 1)
        ):
            off = self.words[self.at] == "off"
            self.at += 1
            self.operations += 1
            whole = self.factor()
            return whole * (1 - value) if off else whole * value
        return value

    def two_place(self, sign: str) -> Number:
        left = self.product()
        joints = {"from": ("from", "away"), "/": ("by", "and", "into"), "*": ("by", "and", "with", "times")}
        if not self.skip(*joints.get(sign, ("and", "to", "with"))):
            raise _NoSumError
        self.skip("from")
        value = _binary(sign, left, self.product())
        while sign in {"+", "*"} and self.skip("and"):
            value = _binary(sign, value, self.product())
        return value


def evaluate(words: Sequence[str], at: int = 0) -> tuple[Number, int, int]:
    """Work out the sum that begins at `words[at]`: (value, index after it, operations in it).

    Raises `_NoSumError` when there is none and `_ImpossibleError` when it has no answer.
    """
    parser = _Parser(words, at)
    return parser.sum(), parser.at, parser.operations


def spoken_number(value: Number) -> str:
    """A result for the ear: digits with "minus", at most six decimals, large ones by their power of ten."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return "more than I can count"
        exact = Fraction(value).limit_denominator(10**9) if abs(value) < _LONGEST_SPOKEN else Fraction(value)
    else:
        exact = value
    sign, size = ("minus " if exact < 0 else ""), abs(exact)
    if size >= _LONGEST_SPOKEN:
        exponent = len(str(int(size))) - 1
        return (
            f"about {sign}{float(size / Fraction(10) ** exponent):.3g} times ten to the power of {exponent}"
        )
    if size.denominator == 1 and not isinstance(value, float):
        return f"{sign}{size.numerator}"
    # Six decimals, counted from the first that is not zero for what would else be said as nothing.
    leading = 0 if size >= Fraction(1, 1000) else len(str(size.denominator // max(size.numerator, 1)))
    rounded = round(size, min(18, 6 + leading))
    digits = f"{float(rounded):.12f}".rstrip("0").rstrip(".")
    about = "" if rounded == size and not isinstance(value, float) else "about "
    return f"{about}{sign}{digits}"


_ASKING = (
    r"what (?:is|are|does|do|would be|will be|s)|how much (?:is|are|does|do|would)"
    r"|how many (?:is|are)|calculate|compute|work out|solve|tell me|"
    r"what|evaluate|figure out|how much|the (?:answer|result) (?:to|of)|result of"
    r"|and what is|what do you get (?:if|when)(?: you)?|what is the (?:answer|result"
    r"|value) (?:to|of)|do the sum"
)
_TAIL = r"(?:equals?|equal to|make|makes|=|give|come to|is)(?: to)?(?: what)?"
CUES = word_set(
    "plus minus times multiplied multiply divided divide over root squared cubed"
    " cube square percent power sum product difference average factorial subtract"
    " add half double twice triple third quarter modulo mod + - / x ^ take per"
    " thirds quarters fifths less"
)


@rule(CUES)
def calculate(reading: Reading, context: Context) -> Candidate | None:
    """Work out a sum and say it."""
    words, best = reading.words, None
    opening = search(reading, _ASKING)
    asked = reading.span(opening) if opening else range(0)
    for begin in range(len(words)):
        if begin in asked and words[begin] in {"what", "is", "how", "much", "are", "does", "do"}:
            continue
        try:
            value, end, operations = evaluate(words, begin)
            answer = spoken_number(value)
            text = f"That's {answer}."
        except _NoSumError:
            continue
        except _ImpossibleError as error:
            text, end, operations = str(error), len(words), 1
        except RecursionError:
            return None
        if operations and (best is None or end - begin > best[1] - best[0]):
            best = (begin, end, text)
            if end == len(words):
                break
    if best is None or not any(w in NUMBER_WORDS or w[0].isdigit() for w in words[best[0] : best[1]]):
        return None
    begin, end, text = best
    explained = set(range(begin, end)) | set(asked)
    if tail := search(reading, _TAIL + "$"):
        explained |= set(reading.span(tail))
    return Candidate((text,), 0.97 if opening or begin == 0 else 0.8, frozenset(explained))


RULES: tuple[Rule, ...] = (calculate,)
