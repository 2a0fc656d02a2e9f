"""``python -m pipeline``: what is run from the clone."""

from __future__ import annotations

from pipeline.cli import run

if __name__ == "__main__":
    run()
