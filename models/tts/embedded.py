"""The voice of the embedded profile: flite for English, espeak-ng for everything else."""

from __future__ import annotations

import msgspec

from models.api import BackendError, BackendUnavailableError, Job, SpeechRequest, VoicesRequest
from models.tts.espeak import EspeakSpeech
from models.tts.flite import FliteSpeech, VoiceName
from models.tts.libflite import VOICES
from models.tts.voices import VoicesJob

# What one may call a voice without knowing its name.
KINDS = {"female": "slt", "male": "rms"}


class EmbeddedSpeech:
    """`SpeechRequest` -> `SpeechChunk` by whichever of flite and espeak-ng has the voice, or the language.

    A voice that is named decides ("female" and "male" are names too); without one, English is flite's.
    espeak-ng is looked for when it is first wanted, so that English works without it.

    Args:
        voice: flite's voice for English.
        espeak: the espeak-ng program.

    Raises:
        BackendUnavailableError: flite is not installed.
    """

    produces = True
    lists_voices = True

    def __init__(self, *, voice: VoiceName = "slt", espeak: str = "espeak-ng") -> None:
        self._flite = FliteSpeech(voice=voice)
        self._program = espeak
        self._espeak: EspeakSpeech | None = None

    def open(self, request: SpeechRequest | VoicesRequest) -> Job:
        """Raises what the backend chosen raises: `BackendUnavailableError` when espeak-ng is missing."""
        if isinstance(request, VoicesRequest):
            return VoicesJob(self.voices())
        if request.voice.lower() in KINDS:
            request = msgspec.structs.replace(request, voice=KINDS[request.voice.lower()])
        primary = request.language.lower().replace("_", "-").split("-")[0]
        if request.voice.lower() in VOICES or (not request.voice and primary in ("en", "")):
            return self._flite.open(request)
        if request.voice and (not self._has_espeak() or self._other().find(request.voice) is None):
            names = ", ".join(name for name, _ in self.voices())
            raise BackendError(f"there is no voice {request.voice!r}; choose one of: {names}")
        return self._other().open(request)

    def voices(self) -> list[tuple[str, str]]:
        """Give every voice as (name, language tag): flite's, then espeak-ng's where it is installed."""
        return self._flite.voices() + (self._other().voices() if self._has_espeak() else [])

    def _has_espeak(self) -> bool:
        try:
            self._other()
        except BackendUnavailableError:
            return False
        return True

    def _other(self) -> EspeakSpeech:
        if self._espeak is None:
            self._espeak = EspeakSpeech(program=self._program)
        return self._espeak
