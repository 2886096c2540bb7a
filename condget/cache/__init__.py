"""The pure core of an HTTP cache: RFC 9110, 9111, 5861 and 9211 as functions of values. No socket, no file, no clock.

Two questions, in `decisions`: `decide` before a request, `settle` after a response. Each topic has its file.
"""
