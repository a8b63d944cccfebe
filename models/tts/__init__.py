"""Speech synthesis backends."""
