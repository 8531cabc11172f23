"""The documented schema of the book: every table, column, unit and key, and what is personal.

``TABLES`` holds the facts that are loaded, ``DERIVED`` what is computed from them.
Besides the columns listed, every stored fact carries ``recorded_at`` (UTC instant of arrival) and
``batch_id``.
"""

from __future__ import annotations

from fengkong.book.schema._derived import EXPOSURES, PANEL, STATES
from fengkong.book.schema._facts import FACTS
from fengkong.book.schema._room import ROOM
from fengkong.foundation.columns import Table

TABLES: dict[str, Table] = {table.name: table for table in (*FACTS, *ROOM)}
DERIVED: dict[str, Table] = {table.name: table for table in (PANEL, STATES, EXPOSURES)}

__all__ = ["DERIVED", "EXPOSURES", "PANEL", "STATES", "TABLES"]
