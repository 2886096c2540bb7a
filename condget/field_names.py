"""Sets of header field names that several packages share. All names are in lower case."""

from __future__ import annotations

import re

#: A field name (RFC 9110 §5.6.2).
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

#: Fields that a list of feeds cannot configure: condget sets them itself (A6, D6), or never sends them (D3, D4).
RESERVED = frozenset(
    {
        *("accept-encoding", "connection", "content-length", "cookie", "expect", "host", "keep-alive", "range"),
        *("if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since"),
        *("proxy-authorization", "referer", "te", "trailer", "transfer-encoding", "upgrade", "user-agent"),
    }
)

#: Request fields, besides Authorization, whose values say who sends a request: well-known names for keys and tokens.
CREDENTIALS = frozenset(
    {
        *("api-key", "apikey", "circle-token", "dd-api-key", "dd-application-key", "job-token", "private-token"),
        *("ocp-apim-subscription-key", "proxy-authorization", "x-access-token", "x-api-key", "x-api-token", "x-apikey"),
        *("x-auth-key", "x-auth-token", "x-functions-key", "x-goog-api-key", "x-gitlab-token", "x-rapidapi-key"),
        *("x-shopify-access-token", "x-vault-token"),
    }
)

#: Fields whose values are secrets: never written to disk, never shown (F9, F12).
SECRET = CREDENTIALS | {
    *("authorization", "cookie", "set-cookie", "set-cookie2", "x-amz-security-token", "x-csrf-token"),
    *("www-authenticate", "proxy-authenticate", "authentication-info", "proxy-authentication-info"),
}
