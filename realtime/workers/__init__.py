"""Several edge processes that are one server: `--workers N`."""
