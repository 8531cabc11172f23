"""``python -m fengkong.cli``."""

from fengkong.cli import main

main()
