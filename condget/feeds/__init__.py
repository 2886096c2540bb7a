"""Feeds: their lists, documents, entries and schedule. Pure."""
