"""The same text means the same on DuckDB, on Spark and in plain Python, row by row."""

# Tables of cases read best as tables.
# ruff: noqa: E501

from __future__ import annotations

import importlib.util
import math
import os
import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fengkong.foundation.columns import Kind

_SPEC = importlib.util.spec_from_file_location(
    "_generator", Path(__file__).with_name("_generator.py")
)
assert _SPEC is not None
assert _SPEC.loader is not None
generator = importlib.util.module_from_spec(_SPEC)
sys.modules.setdefault("_generator", generator)
_SPEC.loader.exec_module(generator)

SEED = 20240229
ARROW = {
    Kind.MONEY: pa.decimal128(18, 2), Kind.INTEGER: pa.int64(), Kind.FLOAT: pa.float64(), Kind.TEXT: pa.string(),
    Kind.DATE: pa.date32(), Kind.BOOLEAN: pa.bool_(),
}  # fmt: skip


def written(rows: list[dict[str, Any]], path: Path) -> Path:
    """Write the rows as Parquet with a row number."""
    columns = {
        name: pa.array([row[name] for row in rows], ARROW[kind])
        for name, (kind, _) in generator.COLUMNS.items()
    }
    pq.write_table(pa.table({"row": list(range(len(rows))), **columns}), path)
    return path


def same(kind: Kind, left: Any, right: Any) -> bool:
    if left is None or right is None:
        return left is right
    if kind is Kind.FLOAT:
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=0.0)
    return type(left) is type(right) and left == right


def arrow(table: Any) -> pa.Table:
    """Return the rows as Arrow; Ibis passes Spark's through pandas, which loses large integers."""
    backend = table.get_backend()
    if backend.name != "pyspark":
        return table.to_pyarrow()
    return backend._session.sql(backend.compile(table)).toArrow()


def differences(table: Any, rows: list[dict[str, Any]], expressions: list[Any]) -> list[str]:
    """Return one line for each expression whose answers differ from those of plain Python."""
    found = []
    for start in range(0, len(expressions), 20):
        part = expressions[start : start + 20]
        values = {f"v{i}": e.to_ibis(table) for i, e in enumerate(part)}
        answer = arrow(table.select("row", **values).order_by("row"))
        for index, expression in enumerate(part):
            function = expression.to_python()
            engine = answer[f"v{index}"].to_pylist()
            for row, value in zip(rows, engine, strict=True):
                wanted = function(row)
                if not same(expression.kind, value, wanted):
                    used = {name: row[name] for name in expression.columns}
                    found.append(
                        f"{expression.text}: engine {value!r}, Python {wanted!r} at {used}"
                    )
                    break
    return found


def test_duckdb_and_python_agree_on_200_expressions_over_10_000_rows(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    rows, expressions = generator.rows_of(chance, 10_000), generator.expressions_of(chance, 200)
    connection = ibis.duckdb.connect()
    table = connection.read_parquet(written(rows, tmp_path / "rows.parquet"))
    assert differences(table, rows, expressions) == []
    assert {e.kind for e in expressions} == set(ARROW)


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """Return an Ibis connection to a local Spark, or skip with the reason."""
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("Spark: the extra [scale] is not installed")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Spark: no Java on this machine")
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.session.timeZone", "UTC").config(
        "spark.sql.shuffle.partitions", "1"
    )
    session = builder.getOrCreate()
    yield ibis.pyspark.connect(session)
    session.stop()


# Py4J leaves its own sockets to the garbage collector.
QUIET = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@QUIET
@pytest.mark.spark
def test_spark_and_python_agree_on_200_expressions_over_10_000_rows(
    spark: Any, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    rows, expressions = generator.rows_of(chance, 10_000), generator.expressions_of(chance, 200)
    table = spark.read_parquet(written(rows, tmp_path / "rows.parquet"))
    assert differences(table, rows, expressions) == []
