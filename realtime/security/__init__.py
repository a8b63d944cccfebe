"""Who may use the server, and how much: keys, ephemeral tokens, origins, limits, what logs may say."""
