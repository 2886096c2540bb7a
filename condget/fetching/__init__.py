"""One safe exchange with a stranger: request, redirects, limits, decoding. Knows nothing of feeds.

`fetch` sends one conditional GET over a `Wire`. `DirectWire` speaks HTTP over its own sockets, `TransportWire` over any
httpx transport: proxies, SOCKS, client certificates, HTTP/2, mocks. The poller uses `DirectWire` because

- a poll of 2,000 unchanged feeds costs 0.15 of the CPU of a bare httpx loop (README, "Speed");
- the address that was checked is the address that is connected to, so that DNS cannot be rebound (E4);
- the bytes of target and fields stay as configured (D2), and no connection pool is scanned for each request.
"""
