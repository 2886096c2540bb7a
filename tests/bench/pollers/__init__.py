"""Pollers to compare with, each a program of its own: `python NAME.py FEEDS STATE [AT_ONCE]`."""
