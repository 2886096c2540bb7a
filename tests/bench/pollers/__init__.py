"""Pollers to compare with. Each is a program whose arguments are the list, the state file and the requests at once."""
