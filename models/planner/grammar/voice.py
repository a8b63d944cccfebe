"""Another speaking voice, another language."""

from __future__ import annotations

from models.plan import SetVoice
from models.planner.rules import Candidate, Context, Rule, everything, rule, search
from models.planner.words import Reading

# ISO 639-1 codes of languages by English name.
LANGUAGES = dict(
    pair.split(":")
    for pair in [
        "afrikaans:af",
        "albanian:sq",
        "arabic:ar",
        "armenian:hy",
        "basque:eu",
        "bengali:bn",
        "bulgarian:bg",
        "cantonese:zh",
        "catalan:ca",
        "chinese:zh",
        "croatian:hr",
        "czech:cs",
        "danish:da",
        "dutch:nl",
        "english:en",
        "esperanto:eo",
        "estonian:et",
        "farsi:fa",
        "finnish:fi",
        "flemish:nl",
        "french:fr",
        "galician:gl",
        "georgian:ka",
        "german:de",
        "greek:el",
        "gujarati:gu",
        "hebrew:he",
        "hindi:hi",
        "hungarian:hu",
        "icelandic:is",
        "indonesian:id",
        "irish:ga",
        "italian:it",
        "japanese:ja",
        "kannada:kn",
        "korean:ko",
        "latin:la",
        "latvian:lv",
        "lithuanian:lt",
        "macedonian:mk",
        "malay:ms",
        "mandarin:zh",
        "marathi:mr",
        "nepali:ne",
        "norwegian:no",
        "persian:fa",
        "polish:pl",
        "portuguese:pt",
        "punjabi:pa",
        "romanian:ro",
        "russian:ru",
        "scottish:gd",
        "serbian:sr",
        "slovak:sk",
        "slovenian:sl",
        "spanish:es",
        "swahili:sw",
        "swedish:sv",
        "tamil:ta",
        "telugu:te",
        "thai:th",
        "turkish:tr",
        "ukrainian:uk",
        "urdu:ur",
        "vietnamese:vi",
        "welsh:cy",
    ]
)
_LANGUAGE = "|".join(LANGUAGES)
_KINDS = {
    "other": "other",
    "another": "other",
    "different": "other",
    "new": "other",
    "next": "other",
    "second": "other",
    "female": "female",
    "woman": "female",
    "womans": "female",
    "lady": "female",
    "girl": "female",
    "woman's": "female",
    "male": "male",
    "man": "male",
    "mans": "male",
    "guy": "male",
    "boy": "male",
    "man's": "male",
    "default": "",
    "normal": "",
    "original": "",
    "first": "",
}


@rule("voice speak talk speaking language switch change answer respond reply use accent female male sound")
def voice(reading: Reading, context: Context) -> Candidate | None:
    """Another voice or language."""
    if found := search(
        reading,
        (
            rf"(?:speak|talk|answer|respond|reply|switch|change|use|speaking|say it"
            rf"|language)(?: \w+){{0,4}} ({_LANGUAGE})|in ({_LANGUAGE})(?= from now on|$)"
        ),
    ):
        if "translate" in reading.vocabulary or reading.words[0] in {"say", "how", "what", "sing"}:
            return None
        if search(reading, r"do you (?:speak|talk|know|understand)"):
            return None
        language = LANGUAGES[found[1] or found[2]]
        explained = set(reading.span(found)) | {
            i for i, w in enumerate(reading.words) if w in {"on", "language", "answer", "from", "speak"}
        }
        return Candidate((SetVoice(language=language),), 0.97, frozenset(explained))
    if not search(reading, r"voice|voices|accent|sound like|speak like|talk like"):
        return None
    kinds = "|".join(_KINDS)
    if found := search(
        reading,
        rf"(?:({kinds})(?: \w+)? voice|(?:sound|speak|talk) like an? ({kinds})|voice of an? ({kinds}))",
    ):
        kind = next(group for group in found.groups() if group)
        verb = search(
            reading,
            r"use|try|switch to|change to|speak with|speak in|speak|talk|sound|have|give me|choose|pick|want",
        )
        explained = set(reading.span(found)) | (set(reading.span(verb)) if verb else set())
        return Candidate((SetVoice(voice=_KINDS[kind] or "default"),), 0.94, frozenset(explained))
    if search(reading, r"(?:change|switch|swap)(?: \w+){0,2} (?:voice|voices)"):
        if named := search(reading, r"voice (?:to|into) (?:the )?(?:voice )?(?:of )?(\w+)"):
            return Candidate((SetVoice(voice=named[1]),), 0.93, everything(reading))
        return Candidate((SetVoice(voice="other"),), 0.93, everything(reading))
    if named := search(
        reading,
        (
            r"(?:use|try|choose|pick|switch to|speak with) (?:the )?(?:voice (?:of |called "
            r"|named )?(\w+)|(\w+) s? ?voice)"
        ),
    ):
        name = named[1] or named[2]
        return Candidate((SetVoice(voice=name),), 0.9, frozenset(reading.span(named)))
    return None


RULES: tuple[Rule, ...] = (voice,)
