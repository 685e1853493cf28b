"""``lexarium``, and ``python -m lexarium``: exit 0 done, 1 an error, 2 wrong usage, 130 interrupted."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    try:
        from lexarium.cli.main import cli  # noqa: PLC0415  an interrupt while importing is one, too

        cli(prog_name="lexarium")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
