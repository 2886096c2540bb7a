"""The pure core of an HTTP cache: RFC 9110, 9111, 5861 and 9211 as functions of values. No socket, no file, no clock.

Two questions: `decisions.decide` before a request, `settling.settle` after its response. Each topic has a file.
"""
