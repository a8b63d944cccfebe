"""From steps to one mixed, paced stream of audio."""
