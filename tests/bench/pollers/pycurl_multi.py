"""libcurl's multi interface; nothing is parsed."""

from __future__ import annotations

import io
import os
from email.parser import BytesHeaderParser

import pycurl
import warm


def main() -> None:
    urls, state = warm.load()
    multi = pycurl.CurlMulti()
    idle = [pycurl.Curl() for _ in range(min(warm.AT_ONCE, len(urls)))]
    waiting, busy = iter(urls), 0
    while True:
        while idle and (url := next(waiting, None)):
            curl = idle.pop()
            curl.url, curl.head, curl.body = url, io.BytesIO(), io.BytesIO()
            curl.setopt(pycurl.URL, url)
            curl.setopt(pycurl.HTTPHEADER, [f"{n}: {v}" for n, v in warm.request_fields(state, url).items()])
            curl.setopt(pycurl.HEADERFUNCTION, curl.head.write)
            curl.setopt(pycurl.WRITEFUNCTION, curl.body.write)
            if "SSL_CERT_FILE" in os.environ:
                curl.setopt(pycurl.CAINFO, os.environ["SSL_CERT_FILE"])
            multi.add_handle(curl)
            busy += 1
        if not busy:
            break
        multi.perform()
        _, done, failed = multi.info_read()
        for curl in [*done, *(curl for curl, *_ in failed)]:
            multi.remove_handle(curl)
            busy -= 1
            idle.append(curl)
            if curl.getinfo(pycurl.RESPONSE_CODE) == 200:
                warm.remember(state, curl.url, BytesHeaderParser().parsebytes(curl.head.getvalue().partition(b"\n")[2]))
        if not done and not failed:
            multi.select(0.1)
    warm.save(state)


main()
