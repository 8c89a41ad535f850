"""A host on a network: protocol machines over a `Net`, and asyncio's transports on top."""
