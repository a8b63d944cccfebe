"""libpocketsphinx through ctypes: the few calls of its public C API that the recogniser needs.

The PocketSphinx wheel links the library into its extension module and exports its symbols, so nothing
but the wheel is needed. Why not the wheel's own Python classes: they hold the GIL while they search (a
100 ms piece stalls every other thread by 17 ms), they cannot mix language models (`ngram_model_set_init`),
and they load the 34 MB language model once per decoder instead of sharing it.

C API: https://cmusphinx.github.io/doc/pocketsphinx (pocketsphinx.h, pocketsphinx/model.h).
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from ctypes import byref, c_char_p, c_float, c_int, c_int32, c_size_t, c_void_p
from pathlib import Path
from typing import Any

from models.api import BackendError, BackendUnavailableError

_AUTO = 0  # ngram_file_type_t: guess the format of a language model from the file
_MODEL, _GRAMMAR = b"mixed", b"short"  # names of the searches
_INSTALL = "pip install 'pocketsphinx>=5.1,<6'"

# name -> (result, arguments)
_SIGNATURES: Mapping[str, tuple[Any, list[Any]]] = {
    "err_set_loglevel_str": (c_char_p, [c_char_p]),
    "ngram_model_free": (c_int, [c_void_p]),
    "ngram_model_read": (c_void_p, [c_void_p, c_char_p, c_int, c_void_p]),
    "ngram_model_set_init": (c_void_p, [c_void_p, c_void_p, c_void_p, c_void_p, c_int32]),
    "ps_activate_search": (c_int, [c_void_p, c_char_p]),
    "ps_add_jsgf_string": (c_int, [c_void_p, c_char_p, c_char_p]),
    "ps_add_lm": (c_int, [c_void_p, c_char_p, c_void_p]),
    "ps_add_word": (c_int, [c_void_p, c_char_p, c_char_p, c_int]),
    "ps_config_free": (c_int, [c_void_p]),
    "ps_config_init": (c_void_p, [c_void_p]),
    "ps_config_parse_json": (c_void_p, [c_void_p, c_char_p]),
    "ps_end_utt": (c_int, [c_void_p]),
    "ps_free": (c_int, [c_void_p]),
    "ps_get_cmn": (c_char_p, [c_void_p, c_int]),
    "ps_get_logmath": (c_void_p, [c_void_p]),
    "ps_get_n_frames": (c_int, [c_void_p]),
    "ps_init": (c_void_p, [c_void_p]),
    "ps_process_raw": (c_int, [c_void_p, c_char_p, c_size_t, c_int, c_int]),
    "ps_seg_frames": (None, [c_void_p, c_void_p, c_void_p]),
    "ps_seg_iter": (c_void_p, [c_void_p]),
    "ps_seg_next": (c_void_p, [c_void_p]),
    "ps_seg_prob": (c_int32, [c_void_p, c_void_p, c_void_p, c_void_p]),
    "ps_seg_word": (c_char_p, [c_void_p]),
    "ps_set_cmn": (c_int, [c_void_p, c_char_p]),
    "ps_start_stream": (c_int, [c_void_p]),
    "ps_start_utt": (c_int, [c_void_p]),
}


class Library:
    """The library itself, and where the wheel keeps its English model."""

    def __init__(self) -> None:
        spec = importlib.util.find_spec("pocketsphinx")
        if spec is None or not spec.submodule_search_locations:
            raise BackendUnavailableError(f"the recogniser needs PocketSphinx: {_INSTALL}")
        package = Path(spec.submodule_search_locations[0])
        extension = importlib.util.find_spec("pocketsphinx._pocketsphinx")
        if extension is None or extension.origin is None:
            raise BackendUnavailableError(f"no compiled module in {package}: {_INSTALL}")
        self.model = package / "model" / "en-us"
        self._library = ctypes.CDLL(extension.origin)
        for name, (result, arguments) in _SIGNATURES.items():
            try:
                function = getattr(self._library, name)
            except AttributeError:
                raise BackendUnavailableError(
                    f"{extension.origin} does not export {name}: {_INSTALL} (a Linux wheel)"
                ) from None
            function.restype, function.argtypes = result, arguments
        self.err_set_loglevel_str(b"FATAL")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)


class Decoder:
    """One decoder: an acoustic model, a dictionary and a search. Not thread-safe; frees itself."""

    def __init__(self, library: Library, options: Mapping[str, Any]) -> None:
        """Load the acoustic model and the dictionary.

        `options` are PocketSphinx's configuration (`pocketsphinx_batch -help`), without a language model.
        """
        self._library = library
        self._handle: int | None = None
        self._lock = threading.Lock()  # replaced by the language model's in `use`
        self.config = library.ps_config_init(None)
        wanted = {"hmm": str(library.model / "en-us"), "dict": str(library.model / "cmudict-en-us.dict")}
        text = json.dumps({**wanted, "loglevel": "FATAL", **options})
        if not library.ps_config_parse_json(self.config, text.encode()):
            raise BackendUnavailableError(f"PocketSphinx refuses these options: {text}")
        self._handle = library.ps_init(self.config)
        if self._handle is None:
            raise BackendUnavailableError(
                f"PocketSphinx cannot load its model from {library.model}: {_INSTALL}"
            )

    @property
    def logmath(self) -> int:
        """The table of logarithms that every language model of this decoder has to share."""
        return int(self._library.ps_get_logmath(self._handle))

    def add_words(self, pronunciations: Mapping[str, str]) -> None:
        """Add words with their phones; call before `use`."""
        for word, phones in pronunciations.items():
            if self._library.ps_add_word(self._handle, word.encode(), phones.encode(), 0) < 0:
                raise BackendUnavailableError(f"PocketSphinx takes no word {word!r} with phones {phones!r}")

    def use(self, model: LanguageModel) -> None:
        """Search with `model` from now on."""
        if self._library.ps_add_lm(self._handle, _MODEL, model.handle) != 0:
            raise BackendUnavailableError("PocketSphinx cannot search with this language model")
        self._library.ps_activate_search(self._handle, _MODEL)
        self._lock = model.lock

    def add_grammar(self, jsgf: str) -> None:
        """Have a grammar ready for `among`."""
        if self._library.ps_add_jsgf_string(self._handle, _GRAMMAR, jsgf.encode()) != 0:
            raise BackendUnavailableError("PocketSphinx cannot search with this grammar")

    def fit(self, frames: int) -> float:
        """How well the best path fits the first frames (10 ms each), by sound alone: logarithms, summed."""
        sound, first, last = c_int32(), c_int(), c_int()
        total = 0.0
        segment = self._library.ps_seg_iter(self._handle)
        while segment:
            self._library.ps_seg_prob(segment, byref(sound), None, None)
            self._library.ps_seg_frames(segment, byref(first), byref(last))
            long = max(1, last.value + 1 - first.value)
            total += sound.value * min(1.0, max(0, frames - first.value) / long)
            segment = self._library.ps_seg_next(segment)
        return total

    def among(self, pcm: bytes, cmn: str) -> tuple[str, float]:
        """Which sentence of the grammar `pcm` is the most like ("" for none), and how well it fits.

        Between utterances only; what `words` gave before is gone.
        """
        self._library.ps_activate_search(self._handle, _GRAMMAR)
        try:
            self.start(cmn)
            self.process(pcm)
            self.end()
            words = (word.partition("(")[0] for word in self.words())  # "a(2)": a second pronunciation
            said = " ".join(word for word in words if word and not word.startswith(("<", "[", "+")))
            return said, self.fit(self.frames())
        finally:
            self._library.ps_activate_search(self._handle, _MODEL)

    def start(self, cmn: str) -> None:
        """Begin an utterance, with `cmn` (13 comma-separated numbers) as the cepstral mean so far."""
        self._library.ps_start_stream(self._handle)  # forget the noise floor of the stream before
        self.set_cmn(cmn)
        if self._library.ps_start_utt(self._handle) != 0:
            raise BackendError("PocketSphinx cannot start an utterance")

    def set_cmn(self, cmn: str) -> None:
        """Subtract this cepstral mean from the next sample on."""
        self._library.ps_set_cmn(self._handle, cmn.encode())

    def process(self, pcm: bytes) -> None:
        """Search on through `pcm` (16 kHz mono, 16 bit)."""
        with self._lock:
            result = self._library.ps_process_raw(self._handle, pcm, len(pcm) // 2, 0, 0)
        if result < 0:
            raise BackendError("PocketSphinx failed to decode a piece of audio")

    def end(self) -> None:
        """End the utterance; `words` and `cmn` stay readable until the next `start`."""
        with self._lock:
            result = self._library.ps_end_utt(self._handle)
        if result != 0:
            raise BackendError("PocketSphinx failed to end an utterance")

    def frames(self) -> int:
        """10 ms frames searched in this utterance."""
        return int(self._library.ps_get_n_frames(self._handle))

    def cmn(self) -> str:
        """The cepstral mean, the utterance so far included."""
        return str(self._library.ps_get_cmn(self._handle, 1).decode())

    def words(self) -> Iterator[str]:
        """Yield the dictionary's words of the best path so far, fillers such as `<sil>` included."""
        segment = self._library.ps_seg_iter(self._handle)
        while segment:
            yield self._library.ps_seg_word(segment).decode()
            segment = self._library.ps_seg_next(segment)

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._library.ps_free(self._handle)
        if getattr(self, "config", None):
            self._library.ps_config_free(self.config)


class LanguageModel:
    """N-gram models, mixed word by word with `weights` that sum to 1.

    Decoders may share one. The look-up keeps a cache inside, so decoders in several threads take turns
    through `lock`; where one thread does all the decoding, it is free.
    """

    def __init__(
        self, decoder: Decoder, library: Library, files: Sequence[Path], weights: Sequence[float]
    ) -> None:
        self._library = library
        self.lock = threading.Lock()
        self.handle: int | None = None
        models: list[int] = []
        try:
            for file in files:
                model = library.ngram_model_read(decoder.config, str(file).encode(), _AUTO, decoder.logmath)
                if not model:
                    raise BackendUnavailableError(f"PocketSphinx cannot read the language model {file}")
                models.append(model)
            count = len(models)
            names = (c_char_p * count)(*(str(i).encode() for i in range(count)))
            self.handle = library.ngram_model_set_init(
                decoder.config, (c_void_p * count)(*models), names, (c_float * count)(*weights), count
            )
        finally:
            for model in models if self.handle is None else ():
                library.ngram_model_free(model)
        if self.handle is None:
            raise BackendUnavailableError("PocketSphinx cannot mix these language models")

    def __del__(self) -> None:
        if getattr(self, "handle", None):
            self._library.ngram_model_free(self.handle)
