"""`python -m tract`: the command line."""

from tract.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
