"""httpx transports that cache. The wire below them is any httpx transport."""
