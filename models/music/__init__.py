"""Music backends."""
