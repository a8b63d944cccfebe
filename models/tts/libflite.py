"""CMU flite 2.2 (Debian's libflite1) through ctypes, which releases the GIL while flite computes.

An utterance is given as tokens, each with an index of ours that comes back on every segment. Settings live in
the utterance and never in the voice, which all utterances share: flite looks a feature up in the utterance
first (`utt_init` only links the voice's features behind it).
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence
from ctypes import POINTER, c_char_p, c_void_p
from dataclasses import dataclass

from models.api import BackendUnavailableError
from models.tts import flite_abi as abi

VOICES = ("slt", "rms", "awb", "kal16", "kal")

# flite keeps the pointer to a feature's name, not a copy: these must live as long as the process.
_STREAMING = b"streaming_info"
_MODEL = b"cg_db"
_STRETCH = b"duration_stretch"
_F0_MEAN = b"int_f0_target_mean"
_F0_STDDEV = b"int_f0_target_stddev"
_NAME = b"name"
_WHITESPACE = b"whitespace"
_PREPUNCTUATION = b"prepunctuation"
_PUNCTUATION = b"punc"
_INDEX = b"source_index"
_END = b"end"
_INDEX_OF_SEGMENT = b"R:SylStructure.parent.parent.R:Token.parent.source_index"

_CONTINUE, _STOP = 0, -1


@dataclass(frozen=True, slots=True)
class Token:
    """`text` in ASCII, the punctuation that follows it, and the caller's own `index` (0 or more)."""

    text: str
    mark: str
    index: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A phone (ARPAbet; "pau" is silence), when it sounds in seconds, its token's `index` or -1."""

    phone: str
    start: float
    end: float
    index: int


@dataclass(frozen=True, slots=True)
class Voice:
    """A registered voice: its handle, the mean and standard deviation of its f0 in Hz, its statistical model.

    The model is None in the diphone voices, kal and kal16.
    """

    handle: int
    f0_mean: float
    f0_stddev: float
    model: abi.ClusterGen | None


OnAudio = Callable[[int, Sequence[Segment], bytes], bool]


class Flite:
    """The library. Raises `BackendUnavailableError` when it, or the voice asked for, is not installed.

    Not thread-safe, like flite: one thread at a time.
    """

    def __init__(self) -> None:
        self._lib = _open("libflite.so.1")
        for name, (result, arguments) in abi.SIGNATURES.items():
            function = getattr(self._lib, name)
            function.restype, function.argtypes = result, arguments
        # The voices do not name the libraries they take their English and its lexicon from.
        _open("libflite_usenglish.so.1")
        _open("libflite_cmulex.so.1")
        self._lib.flite_init()
        self._voices: dict[str, Voice] = {}

    def voice(self, name: str) -> Voice:
        """Register a voice of `VOICES`, once (1 to 6 ms: its data are mapped, not read)."""
        if name not in self._voices:
            register = getattr(_open(f"libflite_cmu_us_{name}.so.1"), f"register_cmu_us_{name}")
            register.restype, register.argtypes = c_void_p, (c_char_p,)
            handle = register(None)
            self._voices[name] = self._described(handle)
        return self._voices[name]

    def _described(self, handle: int) -> Voice:
        features = ctypes.cast(handle, POINTER(abi.Voice)).contents.features
        model = self._lib.get_param_val(features, _MODEL, None)
        if model:
            database = self._lib.val_cg_db(model).contents
            return Voice(handle, database.f0_mean, database.f0_stddev, database)
        # flite's own defaults (us_f0_model.c) are 100 and 12 Hz.
        mean = self._lib.get_param_float(features, _F0_MEAN, 100.0)
        return Voice(handle, mean, self._lib.get_param_float(features, _F0_STDDEV, 12.0), None)

    def synthesise(
        self,
        voice: Voice,
        tokens: Sequence[Token],
        *,
        stretch: float,
        pitch_ratio: float,
        piece: int,
        on_audio: OnAudio,
    ) -> None:
        """Synthesise one utterance and call `on_audio(rate, segments, pcm)` as the samples come.

        `stretch` multiplies durations, `pitch_ratio` the f0 (which flite keeps within 50 to 700 Hz); a call
        brings `piece` samples or a few more. All segments' times are known from the first call on. `on_audio`
        returns whether to go on; what it raises stops flite and is raised here.
        """
        segments: list[Segment] = []
        raised: list[BaseException] = []

        def deliver(
            wave: ctypes._Pointer[abi.Wave], start: int, size: int, _last: int, _info: int | None
        ) -> int:
            # An exception must not cross C: ctypes would print it and go on.
            try:
                if not segments:
                    segments.extend(self._segments(utterance))
                address = ctypes.addressof(wave.contents.samples.contents) + 2 * start
                going_on = on_audio(wave.contents.sample_rate, segments, ctypes.string_at(address, 2 * size))
            except BaseException as error:  # noqa: BLE001  it is raised again below
                raised.append(error)
                return _STOP
            return _CONTINUE if going_on else _STOP

        callback = abi.StreamCallback(deliver)
        utterance = self._lib.new_utterance()
        try:
            features = ctypes.cast(utterance, POINTER(abi.Utterance)).contents.features
            info = self._lib.new_audio_streaming_info()
            info.contents.min_buffsize = piece
            info.contents.callback = callback
            self._lib.feat_set(features, _STREAMING, self._lib.audio_streaming_info_val(info))
            self._lib.feat_set_float(features, _STRETCH, stretch)
            # `f0_shift` would move the mean and leave the excursions: a semitone must scale both.
            self._lib.feat_set_float(features, _F0_MEAN, voice.f0_mean * pitch_ratio)
            self._lib.feat_set_float(features, _F0_STDDEV, voice.f0_stddev * pitch_ratio)
            if voice.model is not None and voice.model.spamf0 and pitch_ratio != 1:
                shifted, _rows = _shifted(voice.model, pitch_ratio)
                self._lib.feat_set(features, _MODEL, self._lib.cg_db_val(ctypes.byref(shifted)))
            self._add(utterance, tokens)
            self._lib.utt_init(utterance, voice.handle)
            self._lib.utt_synth_tokens(utterance)
        finally:
            self._lib.delete_utterance(utterance)  # with its wave and its streaming information
        if raised:
            raise raised[0]

    def _add(self, utterance: int, tokens: Sequence[Token]) -> None:
        relation = self._lib.utt_relation_create(utterance, b"Token")
        for token in tokens:
            item = self._lib.relation_append(relation, None)
            self._lib.item_set_string(item, _NAME, token.text.encode("ascii"))
            self._lib.item_set_string(item, _WHITESPACE, b" ")
            self._lib.item_set_string(item, _PREPUNCTUATION, b"")
            self._lib.item_set_string(item, _PUNCTUATION, token.mark.encode("ascii"))
            # One more, because flite reads 0 from a segment that belongs to no token.
            self._lib.item_set_int(item, _INDEX, token.index + 1)

    def _segments(self, utterance: int) -> list[Segment]:
        segments: list[Segment] = []
        item = self._lib.relation_head(self._lib.utt_relation(utterance, b"Segment"))
        start = 0.0
        while item:
            end = self._lib.item_feat_float(item, _END)
            phone = self._lib.item_feat_string(item, _NAME).decode("ascii")
            index = self._lib.ffeature_int(item, _INDEX_OF_SEGMENT) - 1
            segments.append(Segment(phone, start, end, index))
            start = end
            item = self._lib.item_next(item)
        return segments


def _shifted(model: abi.ClusterGen, ratio: float) -> tuple[abi.ClusterGen, list[object]]:
    """Copy a model whose f0 is a SPAM curve (rms), moved by `ratio`; and what the copy must not outlive.

    That curve is exp(phrase + accent) and heeds neither mean nor deviation (cst_spamf0.c). The first number
    of an accent is the height of its peak, which every voiced frame gets once. The copy is not `freeable`, so
    flite leaves it to us.
    """
    count, width = model.num_frames_spamf0_accent, model.num_channels_spamf0_accent
    row_type = ctypes.c_float * width
    rows = [row_type.from_address(model.spamf0_accent_vectors[n]) for n in range(count)]
    rows = [row_type.from_buffer_copy(row) for row in rows]
    for row in rows:
        row[0] += math.log(ratio)
    vectors = (c_void_p * count)(*(ctypes.addressof(row) for row in rows))
    copy = abi.ClusterGen.from_buffer_copy(model)
    copy.spamf0_accent_vectors = ctypes.cast(vectors, POINTER(c_void_p))
    return copy, [rows, vectors]


def _open(soname: str) -> ctypes.CDLL:
    try:
        # Global, because the voices resolve their symbols in the libraries loaded before them.
        return ctypes.CDLL(soname, mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        raise BackendUnavailableError(
            f"flite's {soname} is not installed ({error}): apt install libflite1"
        ) from error
