"""An SDK in the style of OpenAI's, with a condget client below it: `python examples/sdk_client.py [httpx|httpx2]`.

Such SDKs take `http_client=` and check that it is a client of the library they were made for: httpx in the generations
until 2026, httpx2 since. condget has a client for each. The server here is on loopback and gives its list of models an
ETag, so the second call is a conditional request that is answered 304, and the SDK does not notice.
"""

from __future__ import annotations

import importlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import condget

MODELS = json.dumps({"object": "list", "data": [{"id": "small"}, {"id": "large"}]}).encode()
ETAG = condget.make_etag(MODELS)


class Models(BaseHTTPRequestHandler):
    """The server: one list of models, for those who have a key."""

    def do_GET(self) -> None:
        status = condget.evaluate("GET", self.headers.items(), ETAG, None)
        if self.headers["Authorization"] != "Bearer secret":
            status = 401  # type: ignore[assignment]
        self.send_response(status)
        self.send_header("ETag", ETAG)
        self.send_header("Content-Length", str(len(MODELS) if status == 200 else 0))
        self.end_headers()
        if status == 200:
            self.wfile.write(MODELS)

    def log_message(self, *_: object) -> None:
        """The exchanges are printed by the client."""


class SDK:
    """The part of an SDK that matters here."""

    def __init__(self, library: Any, *, api_key: str, base_url: str, http_client: Any) -> None:
        if not isinstance(http_client, library.Client):
            raise TypeError(f"http_client is an instance of {library.__name__}.Client")
        self._client = http_client
        self._base_url = base_url
        self._fields = {"Authorization": f"Bearer {api_key}"}

    def models(self) -> list[str]:
        response = self._client.get(f"{self._base_url}/models", headers=self._fields)
        response.raise_for_status()
        print(response.status_code, condget.status(response))
        return [model["id"] for model in response.json()["data"]]


def main(generation: str) -> None:
    library = importlib.import_module(generation)
    clients: Any = condget if generation == "httpx" else importlib.import_module("condget.httpx2")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Models)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with clients.Client(cache=condget.MemoryCache()) as http_client:
        base_url = f"http://127.0.0.1:{server.server_port}"
        sdk = SDK(library, api_key="secret", base_url=base_url, http_client=http_client)
        for _ in range(2):
            print(", ".join(sdk.models()))
    server.shutdown()
    server.server_close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "httpx")
