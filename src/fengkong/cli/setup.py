"""``fk setup``: the bootstrap has done the work before this runs."""

from __future__ import annotations

import sys

import click


@click.command("setup")
@click.argument("profile", type=click.Choice(["run", "test", "scale"]), default="run")
def command(profile: str) -> None:
    """Prepare the environment PROFILE: run (use it), test (plus tools), scale (plus Spark)."""
    click.echo(f"The environment holds at least the profile {profile!r}: {sys.prefix}")
