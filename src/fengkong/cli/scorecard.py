"""``fk scorecard``: fit a card, score with it, validate it, watch it, export it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from fengkong.scorecard.card import Card

_F = TypeVar("_F", bound=Callable[..., Any])
FORMATS = {"sql": "card.sql", "python": "card_scorer.py", "pmml": "card.pmml"}
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUT = click.Path(path_type=Path)


def _shared(function: _F) -> _F:
    """Add the options that every command with a report has."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON."),
        click.option("--force", is_flag=True, help="Overwrite files that are there."),
        click.option("--pictures", is_flag=True, help="Write each picture as an SVG file too."),
        click.option("--language", type=click.Choice(["both", "zh", "en"]), default="both",
                     show_default=True),
    ):  # fmt: skip
        function = option(function)
    return function


@click.group()
def command() -> None:
    """Develop, validate, watch and export scorecards."""


@command.command()
@click.argument("data", type=_FILE)
@click.option("--target", required=True, help="Column of the outcome.")
@click.option("--bad", help="Value that is bad; without it the column must hold 0 and 1.")
@click.option("--settings", "settings_file", type=_FILE, help="Settings (YAML).")
@click.option("--bins", "bins_file", type=_FILE, help="Edited bins (YAML) that are kept.")
@click.option("--rejects", type=_FILE, help="Rejected applicants, for reject inference.")
@click.option("--out", type=_OUT, required=True, help="Folder for card, bins and report.")
@click.option("--export", "exports", type=click.Choice(list(FORMATS)), multiple=True,
              help="Write the card in this form too; may be repeated.")  # fmt: skip
@_shared
def fit(
    *, data: Path, target: str, bad: str | None, settings_file: Path | None,
    bins_file: Path | None, rejects: Path | None, out: Path, exports: Sequence[str],
    as_json: bool, force: bool, language: str, pictures: bool,
) -> None:  # fmt: skip
    """Make a card of DATA (CSV or Parquet): card.json, bins.yaml, report.html, report.xlsx."""
    from fengkong.cli.assess import progress_bar
    from fengkong.report.scorecard import Settings, develop, read_data, write_development
    from fengkong.report.scorecard.files import read_text, whole_folder

    settings = Settings.load(settings_file) if settings_file else Settings()
    if bins_file:
        settings = settings.with_bins(read_text(bins_file))
    text = tuple(settings.binning.get("categorical") or ())
    with whole_folder(out, force=force) as folder, progress_bar() as progress:
        progress("read", 0.0)
        made = develop(
            read_data(data, text=text), target=target, bad=bad, settings=settings,
            rejects=read_data(rejects, text=text) if rejects else None, progress=progress,
            at=_now(),
        )  # fmt: skip
        made.card.save(folder / "card.json")
        (folder / "bins.yaml").write_text(made.binner.to_yaml(), encoding="utf-8")
        for one in exports:
            (folder / FORMATS[one]).write_text(_exported(made.card, one), encoding="utf-8")
        write_development(made, folder, languages=_languages(language), progress=progress,
                          pictures=pictures)  # fmt: skip
    summary: dict[str, Any] = {
        "card": str(out / "card.json"), "variables": list(made.card.names),
        "left": made.selection.left(), "samples": made.evidence.summary(),
        "rejects": made.rejects(),
        "findings": [one.reason for one in made.evidence.validation.findings],
        "report": str(out / "report.html"),
    }  # fmt: skip
    _show(summary, as_json, [
        f"Card of {len(made.card.names)} variables out of {len(made.bins)}: "
        + ", ".join(made.card.names),
        *(f"  left: {name}: {why}" for name, why in summary["left"].items()),
        *_sample_lines(summary["samples"]), *_reject_lines(summary["rejects"]),
        *_finding_lines(made.evidence.worst("en")), f"Report: {summary['report']}",
    ])  # fmt: skip


@command.command()
@click.argument("data", type=_FILE)
@click.option("--card", "card_file", type=_FILE, required=True, help="The card (JSON).")
@click.option("--out", type=_OUT, required=True, help="File for the scores (.parquet or .csv).")
@click.option("--reasons", type=click.IntRange(0, 20), default=0, show_default=True,
              help="Adverse reasons for each row.")  # fmt: skip
@click.option("--keep", multiple=True, help="Column of DATA to copy; may be repeated.")
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True,
              help="Of the reasons.")  # fmt: skip
@click.option("--force", is_flag=True, help="Overwrite the file if it is there.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def score(
    *, data: Path, card_file: Path, out: Path, reasons: int, keep: Sequence[str], language: Any,
    force: bool, as_json: bool,
) -> None:  # fmt: skip
    """Score every row of DATA: score, probability of bad, grade, reasons."""
    from fengkong.cli.assess import progress_bar
    from fengkong.report.scorecard.files import read_data, whole_file, write_data
    from fengkong.report.scorecard.rows import refuse_text
    from fengkong.report.scorecard.scoring import scores_of
    from fengkong.scorecard.card import Card

    card = Card.load(card_file)
    with whole_file(out, force=force) as part, progress_bar() as progress:
        progress("read", 0.0)
        frame = read_data(data, text=_text_columns(card))
        refuse_text(card, frame)
        progress("score", 0.4)
        table, unseen = scores_of(card, frame, reasons=reasons, keep=keep, language=language)
        progress("write", 0.9)
        write_data(table, part, kind=out)
    summary: dict[str, Any] = {
        "rows": len(table), "mean_score": float(table["score"].mean()),
        "mean_probability": float(table["probability"].mean()), "unseen": unseen,
        "scores": str(out),
    }  # fmt: skip
    _show(summary, as_json, [
        f"{len(table):,} rows scored: mean score {summary['mean_score']:,.1f}, "
        f"mean probability of bad {summary['mean_probability']:.2%}",
        *(f"{name}: {count:,} rows with a category that the card does not name (rare, or new)"
          for name, count in unseen.items()),
        f"Scores: {out}",
    ])  # fmt: skip


@command.command()
@click.argument("data", type=_FILE)
@click.option("--card", "card_file", type=_FILE, required=True, help="The card (JSON).")
@click.option("--target", required=True, help="Column of the outcome.")
@click.option("--bad", help="Value that is bad; without it the column must hold 0 and 1.")
@click.option("--period", help="Column of the period, for the order of grades over time.")
@click.option("--groups", default="", help="Columns of protected groups, comma between them.")
@click.option("--cutoff", type=float, help="Score from which an applicant is approved.")
@click.option("--sample", default="out_of_time", show_default=True, help="Name of the sample.")
@click.option("--out", type=_OUT, required=True, help="Folder for the report.")
@_shared
def validate(
    *, data: Path, card_file: Path, target: str, bad: str | None, period: str | None, groups: str,
    cutoff: float | None, sample: str, out: Path, as_json: bool, force: bool, language: str,
    pictures: bool,
) -> None:  # fmt: skip
    """Measure a card on rows of DATA with known outcomes; write a report."""
    from fengkong.cli.assess import progress_bar
    from fengkong.report.scorecard import Settings, evidence_of, read_data, write_validation
    from fengkong.report.scorecard.files import whole_folder
    from fengkong.report.scorecard.rows import column_of, outcomes_of, propose, refuse_text, whole
    from fengkong.scorecard.card import Card

    card = Card.load(card_file)
    names = tuple(name.strip() for name in groups.split(",") if name.strip())
    settings = Settings(period=period, groups=names, cutoff=cutoff)
    with whole_folder(out, force=force) as folder, progress_bar() as progress:
        progress("read", 0.0)
        frame = read_data(data, text=_text_columns(card))
        refuse_text(card, frame)
        outcome = outcomes_of(column_of(frame, target, what="target"), bad)
        progress("validate", 0.3)
        evidence = evidence_of(card, whole(frame, outcome, sample), settings=settings)
        proposal = propose(card, frame, outcome)
        progress("report", 0.5)
        write_validation(
            card, evidence, folder, languages=_languages(language), pictures=pictures, at=_now(),
            target=target if bad is None else f"{target} = {bad}", proposal=proposal,
        )  # fmt: skip
        found = evidence.validation.to_dict()
        if proposal is not None:
            found["recalibration"] = proposal.to_dict()
        _write_json(found, folder / "validation.json")
    summary: dict[str, Any] = {
        "samples": evidence.summary(), "report": str(out / "report.html"),
        "findings": [one.reason for one in evidence.validation.findings],
        "recalibration": proposal.advice if proposal is not None else None,
    }  # fmt: skip
    _show(summary, as_json, [
        *_sample_lines(summary["samples"]), *_finding_lines(evidence.worst("en")),
        *([f"  recalibration: {proposal.reason['en']}"] if proposal is not None else []),
        f"Report: {summary['report']}",
    ])  # fmt: skip


@command.command()
@click.argument("reference", type=_FILE)
@click.argument("current", type=_FILE)
@click.option("--card", "card_file", type=_FILE, help="Compare its variables and its score too.")
@click.option("--columns", default="", help="Columns to compare, comma between them.")
@click.option("--period", help="Column of CURRENT: what to expect by period; needs --card.")
@click.option("--classifier", is_flag=True, help="Train a model to tell the two apart.")
@click.option("--out", type=_OUT, required=True, help="Folder for the report.")
@_shared
def drift(
    *, reference: Path, current: Path, card_file: Path | None, columns: str, period: str | None,
    classifier: bool, out: Path,
    as_json: bool, force: bool, language: str, pictures: bool,
) -> None:  # fmt: skip
    """Compare CURRENT with REFERENCE column by column; with a card, its score as well."""
    from fengkong.cli.assess import progress_bar
    from fengkong.report.scorecard import read_data, watch, write_drift
    from fengkong.report.scorecard.files import whole_folder
    from fengkong.scorecard.card import Card

    card = Card.load(card_file) if card_file else None
    text = _text_columns(card) if card else ()
    names = tuple(name.strip() for name in columns.split(",") if name.strip())
    with whole_folder(out, force=force) as folder, progress_bar() as progress:
        progress("read", 0.0)
        before, now = read_data(reference, text=text), read_data(current, text=text)
        progress("compare", 0.3)
        watched = watch(before, now, names=(reference.name, current.name), card=card,
                        columns=names, period=period, classifier=classifier)  # fmt: skip
        progress("report", 0.5)
        write_drift(watched, folder, languages=_languages(language), pictures=pictures)
        _write_json(watched.to_dict(), folder / "drift.json")
    table = watched.drift.columns
    moved = watched.summary()
    summary: dict[str, Any] = {
        "columns": {name: {"psi": psi, "grade": grade} for name, psi, grade
                    in zip(table["column"], table["psi"], table["grade"], strict=True)},
        **moved,
        "report": str(out / "report.html"),
    }  # fmt: skip
    lines = [f"  {name:<32} PSI {one['psi']:.4f}  {one['grade']}"
             for name, one in list(summary["columns"].items())[:10]]  # fmt: skip
    _show(summary, as_json, [f"{len(table)} columns compared:", *lines, *_moved_lines(moved),
                             f"Report: {summary['report']}"])  # fmt: skip


@command.command()
@click.option("--card", "card_file", type=_FILE, required=True, help="The card (JSON).")
@click.option("--format", "kind", type=click.Choice(list(FORMATS)), required=True)
@click.option("--dialect", type=click.Choice(["duckdb", "spark"]), default="duckdb",
              show_default=True, help="Of SQL.")  # fmt: skip
@click.option("--table", default="applications", show_default=True, help="Table of the SQL query.")
@click.option("--out", type=_OUT, help="File to write; the terminal without it.")
@click.option("--force", is_flag=True, help="Overwrite the file if it is there.")
def export(
    *, card_file: Path, kind: str, dialect: str, table: str, out: Path | None, force: bool
) -> None:
    """Write a card as SQL, plain Python or PMML, with the same scores on every row."""
    from fengkong.scorecard.card import Card

    text = _exported(Card.load(card_file), kind, dialect=dialect, table=table)
    if out is None:
        click.echo(text)
        return
    from fengkong.report.scorecard.files import whole_file

    with whole_file(out, force=force) as part:
        part.write_text(text, encoding="utf-8")
    click.echo(f"Written: {out}")


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _exported(
    card: Card, kind: str, *, dialect: str = "duckdb", table: str = "applications"
) -> str:
    from fengkong.scorecard.export import to_pmml, to_python, to_sql_query

    if kind == "sql":
        return to_sql_query(card, dialect=dialect, table=table)  # type: ignore[arg-type]
    return to_python(card) if kind == "python" else to_pmml(card)


def _languages(language: str) -> tuple[str, ...]:
    return ("zh", "en") if language == "both" else (language,)


def _text_columns(card: Card) -> tuple[str, ...]:
    """Return the columns that the card reads as categories: "007" is not 7."""
    return tuple(one.bins.name for one in card.variables if one.bins.kind == "categorical")


def _write_json(content: Any, path: Path) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


def _sample_lines(samples: Any) -> list[str]:
    return [
        f"  {one['sample']:<12} {one['rows']:>9,} rows  bad rate {one['bad_rate']:.2%}  "
        f"AUC {one['auc']:.3f} ({one['auc_lower']:.3f} - {one['auc_upper']:.3f})  "
        f"KS {one['ks']:.3f}  approved {one['approval_rate']:.2%}"
        + (f"  lowest impact ratio {one['worst_ratio']:.2f}" if one.get("worst_ratio") else "")
        for one in samples
    ]


def _reject_lines(found: Any) -> list[str]:
    if not found:
        return []
    return [
        f"  reject inference: approval {found['accepted_only']:.2%} on the accepted alone, "
        f"{found['lowest']:.2%} to {found['highest']:.2%} under the others"
    ]


def _moved_lines(moved: Any) -> list[str]:
    if "mean_score" not in moved:
        return []
    before, now = moved["mean_score"]
    rate, lower, upper = moved["expected_bad_rate"]
    auc, low, high = moved["expected_auc"]
    return [
        f"  mean score {before:.1f} -> {now:.1f}, PSI of the score {moved['score_psi']:.4f}",
        f"  expected, if probabilities hold: bad rate {rate:.2%} ({lower:.2%} - {upper:.2%}), "
        f"AUC {auc:.3f} ({low:.3f} - {high:.3f})",
    ]


def _finding_lines(findings: Any) -> list[str]:
    return [f"  ! {text}" for text in findings]


def _show(summary: dict[str, Any], as_json: bool, lines: Sequence[str]) -> None:
    if as_json:
        click.echo(json.dumps(summary, ensure_ascii=False, indent=1))
        return
    for line in lines:
        click.echo(line)
