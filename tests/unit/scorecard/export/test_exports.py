"""Exports by hand: text, order of elements, what is refused, and names that need quoting."""

from __future__ import annotations

# Exported text is run here as its user would run it.
# ruff: noqa: S102, S314, S608
import ast
import math
from decimal import Decimal
from xml.etree import ElementTree as Xml

import duckdb
import numpy as np
import pandas as pd
import pytest
from tests.unit.scorecard.card_maker import card_of, categorical, numeric, slow_score

from fengkong.foundation.errors import InputError, UnsupportedError
from fengkong.scorecard.card.document import Grade, Scaling
from fengkong.scorecard.card.reasons import adverse_reasons
from fengkong.scorecard.export import to_pmml, to_python, to_sql, to_sql_query

INCOME = numeric("income", [3000.0], [1, 2.5, 3, 4, 0], specials={"none": [-1]})
JOB = categorical("job", [["clerk"], ["driver", "cook"]], [20, 8, 25, 9])
CARD = card_of(INCOME, JOB)
GRADES = (
    Grade(name="B", score_from=-math.inf, probability=0.2),
    Grade(name="A", score_from=520.0, probability=0.1),
)


def loaded(card):
    scope = {}
    exec(to_python(card), scope)
    return scope


def test_sql_by_hand():
    text = " ".join(to_sql(card_of(INCOME), dialect="duckdb").split())
    number = "CAST('{}' AS DOUBLE)".format
    column = 'CAST("income" AS DOUBLE)'
    assert text == (
        f"{number('500.0')} + CASE WHEN {column} IS NULL OR ISNAN({column}) THEN {number('3.0')} "
        f"WHEN {column} IN ({number('-1.0')}) THEN {number('4.0')} "
        f"WHEN {column} < {number('3000.0')} THEN {number('1.0')} ELSE {number('2.5')} END"
    )
    assert "`income`" in to_sql(card_of(INCOME), dialect="spark")


def test_the_python_module_imports_only_math_and_runs_without_us():
    tree = ast.parse(to_python(CARD))
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [name.name for node in imported for name in node.names] == ["math"]
    assert loaded(CARD)["score"]({"income": 2999, "job": "cook"}) == 500 + 1 + 8


@pytest.mark.parametrize("missing", [None, math.nan, np.nan, pd.NA, pd.NaT, Decimal("nan")])
def test_python_knows_every_missing_value(missing):
    score = loaded(CARD)["score"]
    assert score({"income": missing, "job": missing}) == 500 + 3 + 25


@pytest.mark.parametrize("three", [3, 3.0, "3", np.int64(3), np.float32(3), Decimal(3)])
def test_python_labels_numbers_as_the_card_does(three):
    card = card_of(categorical("code", [["3"], ["1"]], [7, 5, 0, 0]))
    assert loaded(card)["score"]({"code": three}) == 507 == card.score_one({"code": three}).points
    assert loaded(card)["score"]({"code": True}) == 505 == card.score_one({"code": True}).points


def test_python_refuses_text_for_a_number_and_a_record_without_the_column():
    score = loaded(CARD)["score"]
    with pytest.raises(TypeError, match="found text"):
        score({"income": "2999", "job": "cook"})
    with pytest.raises(TypeError, match="found bytes"):
        score({"income": 1, "job": b"3"})
    with pytest.raises(KeyError):
        score({"income": 2999})


@pytest.mark.parametrize("name", ['"""', "\\", 'a"', "'''", "a\nb", "收入 \\x", "{0}"])
def test_no_name_of_a_card_or_column_breaks_the_module(name):
    card = card_of(numeric(name, [0.0], [1, 2, 3, 0]), name=name)
    assert loaded(card)["score"]({name: 0.5}) == 502
    ours = Xml.fromstring(to_pmml(card))
    assert ours.find(".//{*}DataField").get("name") == name


@pytest.mark.parametrize("score", [1e6, -1e6, 1e300])
def test_scores_far_out_give_probabilities_and_no_overflow(score):
    card = card_of(numeric("x", [], [0.0, 0.0, 0.0]), base_points=score)
    wanted = 0.0 if score > 0 else 1.0
    assert loaded(card)["probability"]({"x": 1}) == wanted
    text = to_sql(card, dialect="duckdb", value="probability")
    assert duckdb.execute(f"SELECT {text} FROM (SELECT 1 AS x)").fetchone() == (wanted,)


def test_pmml_stands_in_the_order_of_its_schema():
    root = Xml.fromstring(to_pmml(card_of(INCOME, JOB, grades=GRADES)))
    assert root.tag == "{http://www.dmg.org/PMML-4_4}PMML"
    assert root.get("version") == "4.4"

    def children(element):
        return [one.tag.split("}")[1] for one in element]

    assert children(root) == ["Header", "DataDictionary", "Scorecard"]
    model = root[2]
    assert children(model) == ["MiningSchema", "Output", "Characteristics"]
    assert (model.get("functionName"), model.get("initialScore")) == ("regression", "500.0")
    assert model.get("reasonCodeAlgorithm") == "pointsBelow"
    for characteristic in model[2]:
        assert characteristic.get("baselineScore")
        for attribute in characteristic:
            assert len(attribute) == 1
            assert attribute.get("reasonCode")
            float(attribute.get("partialScore"))
        assert characteristic[0][0].get("operator") == "isMissing"
        assert children(characteristic[-1]) == ["True"]
    assert int(root[1].get("numberOfFields")) == len(root[1]) == 2
    assert len({one.get("name") for one in model[1]}) == len(model[1])


def test_reason_codes_of_pmml_are_ours_as_far_as_points_were_lost(pmml_reader):
    # No two losses are equal: how ties stand is left to the evaluator.
    sizes = {"a": 3.1, "b": 4.3, "c": 5.9, "d": 7.7}
    more = [numeric(name, [0.0, 1.0], [0, n, 2 * n, 1, 0]) for name, n in sizes.items()]
    card = card_of(INCOME, JOB, *more)
    records = [
        {"income": income, "job": job, "a": a, "b": b, "c": 2.0 - a, "d": 0.5}
        for income in (10.0, 5000.0, None, -1.0) for job in ("clerk", "cook", "pilot")
        for a in (-1.0, 0.5, 3.0) for b in (-1.0, 3.0, None)
    ]  # fmt: skip
    for reference in ("maximum", "mean"):
        model = pmml_reader.fromString(to_pmml(card, reference=reference))
        ours = adverse_reasons(card, pd.DataFrame(records), reference=reference)
        for row, record in enumerate(records):
            theirs = dict(model.predict(record))
            wanted = ours.codes_of(row)
            assert tuple(theirs[f"reason_{n + 1}"] for n in range(len(wanted))) == wanted, record


def test_a_dollar_and_brace_is_no_setting_of_spark():
    card = card_of(categorical("x", [["${spark.app.name}", "a"]], [1, 0, 0]))
    assert "${" not in to_sql(card, dialect="spark")
    assert "${" in to_sql(card, dialect="duckdb")
    named = card_of(categorical("${x}", [["a"]], [1, 0, 0]))
    with pytest.raises(InputError, match="quote the name"):
        to_sql(named, dialect="spark")
    assert '"${x}"' in to_sql(named, dialect="duckdb")


def test_the_query_keeps_the_columns_of_the_table():
    query = to_sql_query(card_of(INCOME, JOB, grades=GRADES), dialect="duckdb", table="loans")
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE loans AS SELECT 1 AS id, 2e3 AS income, 'cook' AS job")
        answer = connection.sql(query)
        assert answer.columns == [
            "id", "income", "job", "score", "log_odds", "probability", "grade",
        ]  # fmt: skip
        assert answer.fetchall()[0][3] == 509


def test_a_long_card_is_written_without_recursion_trouble():
    many = [numeric(f"x{n}", [0.0, 1.0], [n % 7, 1, 2, 3, 0]) for n in range(400)]
    card = card_of(*many)
    record = {f"x{n}": 0.5 for n in range(400)}
    columns = ", ".join(f"0.5::DOUBLE AS x{n}" for n in range(400))
    found = duckdb.execute(f"SELECT {to_sql(card, dialect='duckdb')} FROM (SELECT {columns})")
    assert found.fetchone()[0] == slow_score(card, record) == loaded(card)["score"](record)
    assert len(Xml.fromstring(to_pmml(card)).findall(".//{*}Characteristic")) == 400


@pytest.mark.parametrize("export", [to_pmml, to_python, lambda card: to_sql(card, dialect="spark")])
def test_cards_that_are_refused(export):
    with pytest.raises(InputError, match="no variables"):
        export(card_of())
    with pytest.raises(InputError, match="not finite"):
        export(card_of(numeric("x", [], [math.nan, 0, 0])))
    flat = Scaling(method="pdo", factor=0.0, offset=0.0, decimals=0)
    with pytest.raises(InputError, match="factor 0"):
        export(card_of(INCOME, scaling=flat))
    with pytest.raises(InputError, match="is text"):
        export(card_of(numeric("x", [], [0, 0, 0, 0], specials={"s": ["-1"]})))


def test_what_a_target_cannot_hold_is_refused():
    with pytest.raises(InputError, match="dialect"):
        to_sql(CARD, dialect="oracle")
    with pytest.raises(InputError, match="value must be"):
        to_sql(CARD, dialect="duckdb", value="grade")
    calibrated = card_of(INCOME, calibration={"kind": "platt", "intercept": 0.0, "slope": 1.0})
    with pytest.raises(InputError, match="to_sql_query"):
        to_sql(calibrated, dialect="duckdb", value="probability")
    unknown = card_of(INCOME, calibration={"kind": "spline"})
    for export in (to_python, to_pmml, lambda card: to_sql_query(card, dialect="spark", table="t")):
        with pytest.raises(UnsupportedError, match="spline"):
            export(unknown)
    with pytest.raises(InputError, match="zero character"):
        to_sql(card_of(categorical("x", [["a\0"]], [1, 0, 0])), dialect="duckdb")
    with pytest.raises(InputError, match="XML cannot hold"):
        to_pmml(card_of(categorical("x", [["a\x01"]], [1, 0, 0])))
    taken = card_of(numeric("Score", [], [1, 0, 0]))
    with pytest.raises(InputError, match="names that the query adds"):
        to_sql_query(taken, dialect="duckdb", table="t")
    with pytest.raises(InputError, match="names of outputs"):
        to_pmml(card_of(numeric("score", [], [1, 0, 0])))
