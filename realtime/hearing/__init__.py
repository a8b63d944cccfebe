"""From audio to turns: VAD, ASR, the end of a turn."""
