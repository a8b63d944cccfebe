"""How audio and events reach a client: WebRTC and WebSocket."""
