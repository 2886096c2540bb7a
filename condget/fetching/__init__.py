"""One safe exchange with a stranger: request, redirects, limits, decoding. Knows nothing of feeds."""
