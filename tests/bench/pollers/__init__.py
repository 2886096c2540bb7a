"""Pollers to compare with, each a program of its own: it is told the list, its state file and how many at once."""
