"""From "heavy rain on a tin roof with thunder far away" to a list of layers. Pure.

The description is cut into clauses ("and", "with", a comma). In a clause the longest phrases that mean a
kind or a modifier are found; a modifier belongs to the kind it stands before ("heavy rain"), or, when it
says where or on what ("far away", "on a tin roof"), to the one it follows. A clause of nothing but
modifiers adds to the layer before. Other words in a clause with a kind are colour and do no harm; a clause
that only has words nobody knows is refused, because leaving it out would be a wrong answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from models.api import BackendError
from models.sound.catalogue import KINDS, SCENES
from models.sound.layer import Layer

MAX_LAYERS = 6  # more are mud, and each costs up to 3 % of a core

Change = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Modifier:
    change: Change
    follows: bool = False  # stands after what it changes


def _before(words: str, **change: Any) -> dict[str, _Modifier]:
    return {word.strip(): _Modifier(change) for word in words.split(",")}


def _after(words: str, **change: Any) -> dict[str, _Modifier]:
    return {word.strip(): _Modifier(change, follows=True) for word in words.split(",")}


def _list(words: str) -> list[str]:
    return words.split()


_COUNTS = _list("two three four five six seven eight nine ten eleven twelve")

_MODIFIERS: Mapping[str, _Modifier] = {
    **_before("very heavy, extreme, violent, torrential, massive, huge, raging, furious", intensity=1.0),
    **_before(
        "heavy, strong, loud, big, powerful, pouring, rough, intense, busy, wild, large", intensity=0.7
    ),
    **_before("moderate, medium, normal", intensity=0.0),
    **_before(
        "light, gentle, soft, quiet, calm, small, little, mild, weak, faint, softly, gently", intensity=-0.7
    ),
    **_before("very light, very soft, very gentle, very quiet, tiny", intensity=-1.0),
    **_before("distant, far, faraway, remote", distance=1.0),
    **_after(
        "far away, far off, in the distance, from far away, a long way off, miles away, outside", distance=1.0
    ),
    **_before("near, nearby, close", distance=-0.6),
    **_after("close up, close by, very close, up close, right here", distance=-1.0),
    **_after("left, on the left, on my left, to the left, from the left, left side, left ear", pan=-0.85),
    **_after(
        "right, on the right, on my right, to the right, from the right, right side, right ear", pan=0.85
    ),
    **_after("centre, center, in the middle", pan=0.0),
    **_before("slow, slowly, lazy, leisurely, sleepy", pace=0.65),
    **_before("fast, quick, rapid, quickly, hurried, urgent, frantic, revving, rev, yelp", pace=1.6),
    **_after("running, run", pace=1.6),
    **_after(
        "tin roof, metal roof, roof, iron roof, tin, metal, metallic, car roof, corrugated iron",
        surface="tin",
    ),
    **_after("window, window pane, pane, skylight, windscreen, greenhouse", surface="glass"),
    **_after("tent, canvas, umbrella, tarp, tarpaulin, awning", surface="canvas"),
    **_after("leaves, leaf, tree, forest floor, foliage, grass, bush", surface="leaves"),
    **_after("gravel, pebble, stones, shingle", surface="gravel"),
    **_after("snow, snowy", surface="snow"),
    **_after("wood, wooden, wooden floor, floorboard, deck, plank, parquet", surface="wood"),
    **_after("puddle, lake, on water, in water, on the water, mud, pool", surface="water"),
    **_after("once", count=1),
    **_after("twice", count=2),
    **_after("three times, thrice", count=3),
    **{
        pattern.format(word): _Modifier({"count": count}, follows="times" in pattern)
        for count, word in enumerate(_COUNTS, 2)
        for pattern in ("{}", "{} times")
    },
    **{pattern.format(n): _Modifier({"count": n}) for n in range(1, 13) for pattern in ("{}", "{} times")},
}

# Words that mean no sound: a clause of these alone asks for nothing.
_FILLERS = frozenset(
    _list("""
    a an the of some any to me my i you your for please can could would like want make play give
    hear let lets sound sounds noise effect effects audio recording background soundscape ambience
    ambient atmosphere on in at from by through against over under into inside is are it its that
    this there here now just very really day night evening morning afternoon dawn dusk summer winter
    spring autumn while as being be s sort kind going getting coming gets down up behind around
    again more bit then too also something someone person one way away off long nice good relaxing
    create generate produce do
    """)
)

_STAGE = re.compile(r"\b(?:and then|then|followed by|after that|afterwards)\b")
_CLAUSE = re.compile(
    r"[,;.!?:+&/\n]|\b(?:and|with|plus|while|along with|together with|as well as|mixed with)\b"
)
_LENGTH = re.compile(r"\b(?:for |lasting )?(?:about )?(?:an?|half an?|[\w-]+) (?:second|minute|hour)s?\b")
_IDIOMS = (  # (what to hear, what it stands for)
    (re.compile(r"\bright (now|away)\b"), " "),
    (
        re.compile(r"\b(?:near|close to|next to|beside) (?=(?:a|an|the|my)\b)"),
        "by ",
    ),  # a place, not a distance
    (re.compile(r"[’']s\b"), ""),
    (re.compile(r"[-_]"), " "),
)


_ARTICLES = frozenset({"a", "an", "the", "my", "your", "some"})


def _stem(word: str) -> str:
    """Crude, and the same on both sides of every comparison, which is all it has to be."""
    if len(word) > 5 and word.endswith("ing"):
        word = word[:-3]
    elif len(word) > 4 and word.endswith("ed"):
        word = word[:-2]
    elif len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "ls":
        word = word[:-1]
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


def _key(phrase: str) -> tuple[str, ...]:
    return tuple(_stem(word) for word in phrase.split() if word not in _ARTICLES)


@lru_cache(maxsize=1)
def _lexicon() -> Mapping[tuple[str, ...], tuple[str, ...] | _Modifier]:
    """Phrase -> the kinds it names, or the modifier it is. Kinds win over modifiers of the same letters."""
    out: dict[tuple[str, ...], tuple[str, ...] | _Modifier] = {}
    for phrase, modifier in _MODIFIERS.items():
        out.setdefault(_key(phrase), modifier)
    for phrase, kinds in SCENES.items():
        out[_key(phrase)] = kinds
    for kind in KINDS.values():
        for phrase in kind.phrases[1:]:
            out[_key(phrase)] = (kind.name,)
    for name in KINDS:
        out[_key(name)] = (name,)
    return out


def _longest(tokens: list[str], at: int) -> tuple[int, tuple[str, ...] | _Modifier | None]:
    for length in range(min(4, len(tokens) - at), 0, -1):
        meaning = _lexicon().get(tuple(_stem(token) for token in tokens[at : at + length]))
        if meaning is not None:
            return length, meaning
    return 1, None


def _clause(text: str, stage: int) -> tuple[list[Layer], list[Change], list[str]]:
    """The layers of one clause, modifiers that found no kind in it, and the words nobody knows."""
    tokens = [token for token in re.findall(r"[a-z]+|\d+", text) if token not in _ARTICLES]
    layers: list[Layer] = []
    waiting: dict[str, Any] = {}
    loose: list[Change] = []
    unknown: list[str] = []
    at = 0
    last = 0  # index of the first layer the last kind word made ("storm" makes several)
    while at < len(tokens):
        length, meaning = _longest(tokens, at)
        if isinstance(meaning, _Modifier):
            if meaning.follows and layers:
                layers[last:] = [replace(layer, **meaning.change) for layer in layers[last:]]
            else:
                waiting |= meaning.change
        elif meaning is not None:
            last = len(layers)
            layers += [replace(Layer(kind, stage=stage), **waiting) for kind in meaning]
            waiting = {}
        elif tokens[at] not in _FILLERS:
            unknown.append(tokens[at])
        at += length
    if waiting and layers:
        layers[last:] = [replace(layer, **waiting) for layer in layers[last:]]
    elif waiting:
        loose.append(waiting)
    return layers, loose, unknown


def _merged(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """The layers, less bare repetitions: in "a thunderstorm with heavy rain" it rains once, heavily."""
    out: list[Layer] = []
    for layer in layers:
        bare = Layer(layer.kind, stage=layer.stage)
        if bare in out:
            out[out.index(bare)] = layer
        elif layer != bare or not any((have.kind, have.stage) == (bare.kind, bare.stage) for have in out):
            out.append(layer)
    return tuple(out)


def parse(description: str) -> tuple[Layer, ...]:
    """The layers that `description` asks for, in its order.

    Raises:
        BackendError: it asks for a sound there is no kind for, for none at all, or for too many at once.
    """
    text = description.lower()
    for pattern, plain in _IDIOMS:
        text = pattern.sub(plain, text)
    text = _LENGTH.sub(" ", text)
    layers: list[Layer] = []
    unknown: list[str] = []
    stage = 0
    for part in _STAGE.split(text):
        before = len(layers)
        for clause in _CLAUSE.split(part):
            found, loose, strange = _clause(clause, stage)
            for change in loose:
                if layers:
                    layers[-1] = replace(layers[-1], **change)
            layers += found
            if strange and not found:
                unknown.append(" ".join(strange))
        stage += len(layers) > before
    if unknown:
        raise BackendError(_refusal(unknown))
    if not layers:
        raise BackendError(f"say which sound to make; I can make {_choices()}")
    merged = _merged(layers)
    if len(merged) > MAX_LAYERS:
        raise BackendError(f"that is {len(merged)} sounds; ask for at most {MAX_LAYERS} at once")
    return merged


def _choices() -> str:
    """Enough to show what there is, and short enough to be spoken."""
    some = "rain, wind, thunder, sea, fire, birds, a crowd, an engine, a siren, a bell, applause"
    return f"{some} and {len(KINDS) - 11} more"


def _refusal(unknown: list[str]) -> str:
    names = {word: kind.name for kind in KINDS.values() for word in kind.phrases}
    near: list[str] = []
    for phrase in unknown:
        for word in (phrase, *phrase.split()):
            near += [names[match] for match in get_close_matches(word, names, 2, 0.7)]
    nearest = f"the nearest I have is {' or '.join(dict.fromkeys(near))}; " if near else ""
    asked = " or ".join(f'"{phrase}"' for phrase in unknown)
    return f"I cannot make the sound {asked}; {nearest}I can make {_choices()}"
