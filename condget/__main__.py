"""`python -m condget` is `condget`."""

from __future__ import annotations

from condget.cli import main

if __name__ == "__main__":
    main()
