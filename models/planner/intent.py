"""The embedded planner: typed plans from rules, deterministic, without a model.

A round reads the last message:

1. a person's words are read (`words.py`), cut where one command ends and the next begins, and each piece
   goes to the rules of `grammar/`; the best candidates make the plan. Words that fit nothing are read again
   as words that sound alike; what stays unclear becomes a short question.
2. tools' observations, and events, are put into words (`observations.py`), so nothing is claimed before it
   is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from uuid import uuid4

import msgspec

from models.api import (
    BackendError,
    ChatMessage,
    Emit,
    PlanDone,
    PlanRequest,
    Situation,
    TextDelta,
    ToolCall,
    ToolSchema,
)
from models.plan import PlayMusic, Step
from models.planner.functions.choice import Wanted, forced, taken_back
from models.planner.functions.choice import answered as answered_question
from models.planner.functions.choice import best as best_function
from models.planner.functions.matching import ENOUGH
from models.planner.grammar import KNOWN, RULES, VOCABULARY
from models.planner.grammar.kept import after_capture
from models.planner.grammar.playback import REST
from models.planner.grammar.smalltalk import ABILITIES
from models.planner.grammar.unsupported import REFUSALS
from models.planner.observations import answer_event, answer_observations
from models.planner.phonetic import Lexicon
from models.planner.questions import AGAIN, answered, question
from models.planner.rules import JOINTS, OPENINGS, Act, Candidate, Context, Rule, observation
from models.planner.tokens import counted
from models.planner.words import FUNCTION_WORDS, Reading, read, repaired

Output = TextDelta | ToolCall | PlanDone

_SURE = 0.74  # act at once
_LIKELY = 0.52  # act when the rule has no side effect, else ask first
_CLOSE = 0.06  # two candidates this near each other are a question, unless the better one is sure
_REPAIRED = 0.62  # a plan from words that were not said must fit this well
_MOST_REPAIRS = 12  # readings tried: bounds the work of a request that fits nothing
_MOST_WORDS = 80  # of an utterance; more is no command
_MOST_PARTS = 6

_GREETING = "Hello! What can I do for you?"
_UNKNOWN = f"That's beyond me. {ABILITIES}."


# Between them these ask every rule for all its patterns.
_WARMING = (
    "hello hi thanks bye yes who are you what help how are you hear there sorry meet",
    "what was the last thing you said again and say this",
    "remind me to set a ten minute timer",
    "cancel my timers alarm and pause the timer how long is left",
    "what time is it now what date is today",
    "what is two plus two percent of the square root of nine",
    "stop the music then go on and keep going louder softer mute slower faster",
    "speak slower in another voice speak german use a female voice",
    "turn it down to ten percent and play some slow jazz without drums in a minor for four bars",
    "make the sound of rain add more thunder",
    "make it darker up a third with a cello at seventy play it again another one back to the piano",
    "what key is it what is a tritone",
    "write down what i say next then sing it",
    "record my voice i will hum a tune",
    "save what i just said and play my recording back",
    "read my note to me",
    "xyzzy book me a taxi",
)


class _Round:
    """One round of planning, as the engine drives it: all of it in one step."""

    def __init__(self, planner: IntentPlanner, request: PlanRequest) -> None:
        self._planner = planner
        self._request = request

    def feed(self, item: object, emit: Emit) -> bool:
        raise BackendError(f"a planner takes no input; it was sent a {type(item).__name__}")

    def step(self, emit: Emit) -> bool:
        for output in self._planner.plan(self._request):
            emit(output)
        return False

    def close(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True)
class _Choice:
    """How an utterance (or a part of it) is understood: parts with their candidates, and how well they
    fit."""

    parts: tuple[tuple[Reading, Candidate], ...]
    fit: float


class IntentPlanner:
    """Plans by rules. Constructed without options; keeps no state between requests.

    It computes in a process of its own: most requests take 0.2 ms, but one that fits nothing is read again
    in many ways, 26 ms at the 99th percentile, longer than a frame of everybody's audio.
    """

    produces = True

    def __init__(self) -> None:
        self._rules: Sequence[Rule] = RULES
        self._lexicon = Lexicon(VOCABULARY)
        for text in _WARMING:  # patterns compile on first use, up to 0.2 s in all: not while somebody waits
            for playing in (None, "a waltz"):
                message = ChatMessage(role="user", content=text)
                self.plan(PlanRequest(messages=(message,), situation=Situation(now="", playing=playing)))

    def open(self, request: PlanRequest) -> _Round:
        """Plan one round."""
        return _Round(self, request)

    def plan(self, request: PlanRequest) -> list[Output]:
        """The whole round at once."""
        acts, fit = self._acts(request)
        said = [act for act in acts if isinstance(act, str) and act]
        calls: list[ToolCall] = []
        offered = {tool.name for tool in request.tools}
        restricted = bool(offered) or request.tool_choice == "none"
        for act in acts:
            if isinstance(act, Wanted):
                calls.append(_call(act.name, act.arguments))
            elif isinstance(act, Step):
                if restricted and act.tool not in offered:
                    said.append(f"I can't {act.tool.replace('_', ' ')} here.")
                else:
                    calls.append(_call(act.tool, act.model_dump_json(exclude_defaults=True)))
        return list(counted(request, " ".join(said), calls, fit))

    def _acts(self, request: PlanRequest) -> tuple[Sequence[Act | Wanted], float | None]:
        """What to say and do, and how well a person's words fitted the grammar (None: there were none)."""
        if not request.messages:
            return self._instructed(request.instructions, Context(request)), None
        last = request.messages[-1]
        functions = tuple(tool for tool in request.tools if tool.client)
        if last.role == "tool":
            return (answer_observations(request.messages, {tool.name for tool in functions}),), None
        if last.role == "system" and last.content.lstrip().startswith("{"):
            return self._happened(last.content, Context(request)), None
        if last.role == "system":  # an application's instruction, not an event
            before = msgspec.structs.replace(request, messages=request.messages[:-1])
            if before.messages and before.messages[-1].role == "user":
                return self._acts(before)
            return self._instructed(last.content, Context(request)), None
        if last.role == "assistant":
            return (), None
        context = Context(request)
        if functions:
            acts, fit = self._with_functions(request, functions, context)
        else:
            acts, fit = self._understand(last.content, context)
        if pictures := _pictures(request.messages[:-1]):
            # Words beside a picture are mostly about it, and nobody here can see it.
            return [*pictures, *(act for act in acts if not isinstance(act, str))], fit
        return [self._rest(request) if act == REST else act for act in acts], fit

    def _instructed(self, instructions: str, context: Context) -> Sequence[Act]:
        """What to say when nobody has said anything: what we are told to, if that can be understood."""
        if instructions.strip():
            acts, fit = self._understand(instructions, context, repair=False)
            if fit >= _SURE and all(isinstance(act, str) and act not in REFUSALS for act in acts):
                return acts
        return (_GREETING,)

    def _with_functions(
        self, request: PlanRequest, functions: tuple[ToolSchema, ...], context: Context
    ) -> tuple[Sequence[Act | Wanted], float | None]:
        """The same beside the client's functions.

        Our own grammar goes first where it is sure, unless what it is sure of is that nobody here can do it;
        a function is called where it fits well enough, and better than an unsure grammar. A tool of ours that
        has the name of the client's is the client's.
        """
        text = request.messages[-1].content
        reading = read(text).part(0, _MOST_WORDS)
        by_name = {tool.name: tool for tool in functions}
        wanted = answered_question(request.messages, functions)
        if request.forced_tool in by_name:
            if wanted is None or wanted.name != request.forced_tool:
                wanted = forced(reading, by_name[request.forced_tool])
            return _asked_or_called(wanted), 1.0
        if wanted is None and taken_back(request.messages, functions):
            return ("Okay.",), 1.0
        fitting = wanted or best_function(reading, functions)
        enough = fitting is not None and fitting.score >= ENOUGH
        acts, fit = self._understand(text, context, repair=not enough)
        steps = [act for act in acts if isinstance(act, Step)]
        if fit >= _SURE and (ours := next((step for step in steps if step.tool in by_name), None)):
            return _asked_or_called(forced(reading, by_name[ours.tool])), fit
        if fitting is None or (steps and fit >= _SURE):
            return acts, fit
        lame = not steps and all(act in REFUSALS or act in (AGAIN, _UNKNOWN) for act in acts)
        better = enough and (lame or fit < min(_SURE, fitting.score))
        if better or wanted is not None or (request.tool_choice == "required" and not steps):
            return _asked_or_called(fitting), max(fit, fitting.score)
        return acts, fit

    def _happened(self, content: str, context: Context) -> Sequence[Act]:
        """What to say and do about an event."""
        event = observation(content)
        if event.get("event") != "captured":
            return (answer_event(content),)
        return after_capture(event, lambda then: self._understand(then, context)[0])

    def _rest(self, request: PlanRequest) -> str:
        """What the person's interruption left unsaid; where that is not known, the round is planned again."""
        index = max(i for i, message in enumerate(request.messages) if message.role == "assistant")
        if unheard := request.messages[index].unheard.lstrip(" ,;.\n"):
            return unheard
        heard = request.messages[index].content.strip()
        before = msgspec.structs.replace(request, messages=request.messages[:index])
        whole = "".join(output.text for output in self.plan(before) if isinstance(output, TextDelta))
        if whole.startswith(heard) and whole != heard:
            return whole[len(heard) :].lstrip(" ,;.") or whole
        return whole or "I had finished."

    def _understand(self, text: str, context: Context, *, repair: bool = True) -> tuple[Sequence[Act], float]:
        reading = read(text).part(0, _MOST_WORDS)
        if not reading.words:
            return (AGAIN,), 0.0
        if (meant := answered(reading, context)) is not None:
            if meant == "":
                return ("Okay.",), 1.0
            reading = read(meant)
            chosen = [c for c in self._candidates(reading, context) if c.gist == meant]
            if chosen:
                return chosen[0].acts, 1.0
        choice = self._best(reading, context)
        content = sum(word not in FUNCTION_WORDS for word in reading.words)
        # A single word that means something, among words that do not, is no ground to take it for another.
        if repair and choice.fit < _SURE and (content > 1 or len(reading) <= 2):
            for other in islice(repaired(reading, self._lexicon, self._is_known), _MOST_REPAIRS):
                top = self._top(other, context)
                if top is None or top.score(other) < _LIKELY / 2:
                    continue  # nothing like a command, whole or cut
                found = self._best(other, context)
                if found.fit > max(choice.fit + _CLOSE, _REPAIRED - 1e-9):
                    choice = found
                if choice.fit >= _SURE:
                    break
        return self._decide(reading, choice, context), choice.fit

    def _decide(self, reading: Reading, choice: _Choice, context: Context) -> Sequence[Act]:
        if choice.fit < _LIKELY or not choice.parts:
            known = sum(self._is_known(word) for word in reading.words)
            # Few words, none of them known: noise rather than a request.
            return (AGAIN,) if known * 3 < len(reading) and len(reading) < 8 else (_UNKNOWN,)
        if len(choice.parts) == 1 and choice.fit < _SURE:
            part, candidate = choice.parts[0]
            rivals = [
                other
                for other in self._candidates(part, context)
                if other.acts != candidate.acts and other.score(part) > choice.fit - _CLOSE
            ]
            if asked := question(candidate, rivals[0] if rivals else None):
                return (asked,)
        acts: list[Act] = []
        for part, candidate in choice.parts:
            acts = self._joined(acts, part, candidate, context)
        return list(dict.fromkeys(acts))

    def _joined(self, acts: list[Act], part: Reading, candidate: Candidate, context: Context) -> list[Act]:
        """Add a part's acts; an edit of music that the same utterance asked for becomes part of that
        request."""
        begun = next((act for act in acts if isinstance(act, PlayMusic)), None)
        if begun is None:
            return [*acts, *candidate.acts]
        candidate = self._top(part, context.with_music(begun)) or candidate
        if any(isinstance(act, PlayMusic) for act in candidate.acts):
            acts = [act for act in acts if act is not begun]
        return [*acts, *candidate.acts]

    def _candidates(self, reading: Reading, context: Context) -> list[Candidate]:
        """All candidates for one piece, best first; of equals the earlier rule's."""
        if not reading.words:
            return []
        found = (rule(reading, context) for rule in self._rules)
        return sorted((c for c in found if c is not None), key=lambda c: -c.score(reading))

    def _top(self, reading: Reading, context: Context) -> Candidate | None:
        found = self._candidates(reading, context)
        return found[0] if found else None

    def _best(self, reading: Reading, context: Context) -> _Choice:
        """The best way to cut an utterance into commands (dynamic programming over the places it may be
        cut)."""
        whole = self._top(reading, context)
        alone = _Choice(((reading, whole),), whole.score(reading)) if whole else _Choice((), 0.0)
        cuts = [0, *islice(self._cuts(reading), 2 * _MOST_PARTS), len(reading)]
        if alone.fit > 0.9 or len(cuts) == 2 or (whole and whole.verbatim):
            return alone
        best: list[_Choice | None] = [_Choice((), 0.0)] + [None] * (len(cuts) - 1)
        for end in range(1, len(cuts)):
            for begin in range(end):
                before = best[begin]
                if before is None or len(before.parts) >= _MOST_PARTS:
                    continue
                part = reading.part(cuts[begin], cuts[end])
                top = self._top(part, context) if part.words else None
                if top is None or top.score(part) < _LIKELY:
                    continue
                if top.verbatim and end < len(cuts) - 1:
                    continue
                weight = _weight(reading.words[cuts[begin] : cuts[end]])
                # `fit` sums weighted scores here; 0.1 a cut keeps one command whole where that fits as well.
                value = before.fit + top.score(part) * weight - (0.1 if begin else 0.0)
                known = best[end]
                if known is None or value > known.fit:
                    best[end] = _Choice((*before.parts, (part, top)), value)
        chosen = best[-1]
        if chosen is None or len(chosen.parts) < 2:
            return alone
        fit = chosen.fit / max(1, _weight(reading.words))
        return replace(chosen, fit=fit) if fit > alone.fit + 0.02 else alone

    def _cuts(self, reading: Reading) -> Iterable[int]:
        words = reading.words
        for i in range(1, len(words)):
            if (
                reading.tokens[i - 1].ends_sentence
                or (
                    words[i] in OPENINGS
                    and words[i - 1]
                    not in FUNCTION_WORDS - JOINTS - {"it", "that", "one", "now", "then", "me", "this", "up"}
                )
                or (words[i - 1] in JOINTS and i > 1 and words[i] not in {"a", "an", "the"})
            ):
                yield i

    def _is_known(self, word: str) -> bool:
        return word in KNOWN or word in FUNCTION_WORDS or word in OPENINGS or word[0].isdigit()


def _pictures(messages: Sequence[ChatMessage]) -> list[str]:
    """What to say about the pictures that came with the last words."""
    said: list[str] = []
    for message in reversed(messages):
        if message.role != "system" or not str(observation(message.content).get("event")).endswith("_kept"):
            break
        if observation(message.content).get("event") == "picture_kept":
            said.insert(0, answer_event(message.content))
    return said


def _call(name: str, arguments: str) -> ToolCall:
    return ToolCall(call_id=f"call_{uuid4().hex[:16]}", name=name, arguments=arguments)


def _asked_or_called(wanted: Wanted) -> Sequence[Act | Wanted]:
    return (wanted.question,) if wanted.missing else (wanted,)


def _weight(words: Sequence[str]) -> int:
    return sum(word not in FUNCTION_WORDS for word in words) or 1
