"""An origin that answers conditional requests, the one that `condget demo` runs: `python examples/origin.py 8000`."""

from condget.demo_origin import main

main()
