"""A card and its exports give every row the same score, specials and edges of bins included."""

# Exported text is run here as its user would run it.
# ruff: noqa: S102, S608

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.scorecard.card_maker import (
    cards,
    slow_calibrated,
    slow_code,
    slow_probability,
    slow_score,
    telling_records,
)

from fengkong.foundation.tables import read_table
from fengkong.scorecard.card.document import Card, Grade
from fengkong.scorecard.export import to_pmml, to_python, to_sql, to_sql_query
from fengkong.scorecard.export._formula import formulas

GRADES = (
    Grade(name="D 级", score_from=-math.inf, probability=0.5),
    Grade(name="it's C", score_from=480.0, probability=0.2),
    Grade(name="B", score_from=500.5, probability=0.1),
)
CARDS = cards(grades=GRADES)


def close(found: Any, wanted: float) -> bool:
    return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9)


def arrow_table(card: Card, records: list[dict[str, Any]]) -> pa.Table:
    """Return the records as Arrow, NaN kept apart from null, with the number of the row."""
    columns: dict[str, Any] = {"row_": list(range(len(records)))}
    for variable in card.variables:
        kind = pa.float64() if variable.bins.kind == "numeric" else pa.string()
        name = variable.bins.name
        columns[name] = pa.array([record[name] for record in records], kind, from_pandas=False)
    return pa.table(columns)


def check_rows(card: Card, records: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
    """Compare what an engine said of each record with the slow reader."""
    assert len(rows) == len(records)
    for record, row in zip(records, rows, strict=True):
        score = slow_score(card, record)
        assert close(row["score"], score), record
        assert close(row["log_odds"], (score - card.scaling.offset) / card.scaling.factor)
        before = slow_probability(card, score)
        assert close(row["probability"], slow_calibrated(card, before))
        assert close(row.get("uncalibrated_probability", before), before)
        itself = card.score_one(record)
        assert close(row["score"], itself.points)
        assert close(row["probability"], itself.probability)
        grade = [grade.name for grade in card.grades if grade.score_from <= score][-1]
        assert row["grade"] == grade


@given(CARDS)
def test_the_codes_of_the_card_are_those_of_the_definition(card):
    records = telling_records(card)
    for variable in card.variables:
        name = variable.bins.name
        column = np.array([record[name] for record in records], dtype=object)
        field = read_table({name: column}).field(name, kind=variable.bins.kind)
        wanted = [slow_code(variable.bins, record[name]) for record in records]
        assert variable.bins.codes(field).tolist() == wanted


@given(CARDS)
def test_python_agrees(card):
    scope: dict[str, Any] = {}
    exec(to_python(card), scope)
    records = telling_records(card)
    names = ("score", *formulas(card))
    check_rows(card, records, [{name: scope[name](one) for name in names} for one in records])
    assert [scope["score"](one) for one in records] == [slow_score(card, one) for one in records]


@given(CARDS)
def test_duckdb_agrees(card):
    records = telling_records(card)
    with duckdb.connect() as connection:
        connection.register("the 表", arrow_table(card, records))
        query = to_sql_query(card, dialect="duckdb", table="the 表")
        answer = connection.sql(f"SELECT * FROM ({query}) ORDER BY row_").to_arrow_table()
        check_rows(card, records, answer.to_pylist())
        alone_too = ("score", "log_odds", *(["probability"] if not card.calibration else []))
        for value in alone_too:
            text = to_sql(card, dialect="duckdb", value=value)
            alone = connection.execute(f'SELECT {text} FROM "the 表" ORDER BY row_').fetchall()
            assert [row[0] for row in alone] == answer[value].to_pylist()


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
        .getOrCreate()
    )
    yield session
    session.stop()


@pytest.mark.spark
@settings(max_examples=12)
@given(card=CARDS)
def test_spark_agrees(spark, card):
    records = telling_records(card)
    table = arrow_table(card, records)
    spark.createDataFrame(table).createOrReplaceTempView("rows_seen")
    query = to_sql_query(card, dialect="spark", table="rows_seen")
    answer = spark.sql(query).toArrow().sort_by("row_")
    check_rows(card, records, answer.to_pylist())
    text = to_sql(card, dialect="spark")
    alone = spark.sql(f"SELECT row_, {text} AS alone FROM rows_seen").toArrow().sort_by("row_")
    assert alone["alone"].to_pylist() == answer["score"].to_pylist()


@settings(max_examples=30)
@given(card=CARDS)
def test_pmml_agrees_as_an_independent_evaluator_reads_it(pmml_reader, card):
    model = pmml_reader.fromString(to_pmml(card))
    records = telling_records(card)
    check_rows(card, records, [dict(model.predict(record)) for record in records])


@given(CARDS, st.data())
def test_a_whole_column_of_numbers_may_be_of_any_numeric_type(card, data):
    whole = data.draw(st.lists(st.integers(-1000, 1000), min_size=1, max_size=20))
    records = [
        {v.bins.name: one if v.bins.kind == "numeric" else None for v in card.variables}
        for one in whole
    ]
    table = arrow_table(card, records)
    for place, variable in enumerate(card.variables):
        if variable.bins.kind == "numeric":
            table = table.set_column(place + 1, variable.bins.name, pa.array(whole, pa.int32()))
    with duckdb.connect() as connection:
        connection.register("rows_seen", table)
        text = to_sql(card, dialect="duckdb")
        found = connection.execute(f"SELECT {text} FROM rows_seen ORDER BY row_").fetchall()
    assert [row[0] for row in found] == [slow_score(card, record) for record in records]
