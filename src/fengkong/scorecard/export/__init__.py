"""A card in other languages: SQL, PMML and plain Python, with the same answers on every row."""

from fengkong.scorecard.export._pmml import to_pmml
from fengkong.scorecard.export._python import to_python
from fengkong.scorecard.export._sql import to_sql, to_sql_query

__all__ = ["to_pmml", "to_python", "to_sql", "to_sql_query"]
