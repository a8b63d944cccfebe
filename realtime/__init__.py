"""The edge: asyncio only; never imports torch."""
