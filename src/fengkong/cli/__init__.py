"""The command ``fk``: one file a command, loaded only when it is called."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import entry_points

import click

COMMANDS: dict[str, tuple[str, str]] = {
    "assess": ("fengkong.cli.assess", "Compute the risk position of a book and write the report."),
    "bench": ("fengkong.cli.bench", "Measure Fengkong against its peers, side by side."),
    "demo": ("fengkong.cli.demo", "Simulate a platform (or take a tape) and assess it."),
    "import": ("fengkong.cli.import_", "Load a tape into a book through the quality rules."),
    "quarantine": ("fengkong.cli.quarantine", "Show, repair and re-submit rows that were refused."),
    "scorecard": ("fengkong.cli.scorecard", "Develop, validate, watch and export scorecards."),
    "setup": ("fengkong.cli.setup", "Prepare the environment: run, test or scale."),
    "simulate": ("fengkong.cli.simulate", "Make a book of a simulated platform."),
    "test": ("fengkong.cli.test", "Run the tests and say what was skipped and why."),
}


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is called, not before."""

    def list_commands(self, ctx: click.Context | None) -> list[str]:
        """Name all commands, ours and those that other packages bring."""
        del ctx  # click's signature
        return sorted({*COMMANDS, *(entry.name for entry in _foreign())})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        del ctx
        if cmd_name in COMMANDS:
            return importlib.import_module(COMMANDS[cmd_name][0]).command  # type: ignore[no-any-return]
        for entry in _foreign():
            if entry.name == cmd_name:
                return entry.load()  # type: ignore[no-any-return]
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, so that help imports none of them."""
        rows = [(name, COMMANDS[name][1] if name in COMMANDS else "(from another package)")
                for name in self.list_commands(ctx)]  # fmt: skip
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _foreign() -> list[importlib.metadata.EntryPoint]:
    """Commands that other installed packages bring through the entry point group."""
    return sorted(entry_points(group="fengkong.commands"), key=lambda entry: entry.name)


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def fk() -> None:
    """Fengkong 风控: from a loan tape to a risk position that can be checked."""


def main() -> None:
    """Run ``fk``; a known error is one clear line and exit status 2."""
    try:
        fk(prog_name="fk")
    except Exception as error:
        from fengkong.foundation.errors import FengkongError

        if isinstance(error, RuntimeError) and str(error) == "Query interrupted":
            # Ctrl-C inside the engine, which has its own word for it.
            click.echo("\nfk: stopped; the book is as it was before", err=True)
            sys.exit(130)
        if not isinstance(error, FengkongError):
            raise
        click.echo(f"fk: [{error.code}] {error}", err=True)
        sys.exit(2)
