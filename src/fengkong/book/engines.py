"""The engines that read a book: DuckDB here, Spark when a book outgrows one machine."""

from __future__ import annotations

import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from fengkong.foundation.errors import EngineError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ENGINES = ("duckdb", "spark")


class Engine(Protocol):
    """A place that reads Parquet and runs Ibis expressions."""

    connection: Any

    def read(self, files: Sequence[Path]) -> Any:
        """Return the rows of ``files``, all of the same columns, as an Ibis table."""

    def close(self) -> None:
        """Free what the engine holds."""


def connect_duckdb(scratch: Path, memory_limit: str | None = None) -> Any:
    """Return an Ibis connection to a DuckDB in memory that spills to ``scratch``.

    Its own progress bar is off: it would draw on standard output, into what a command prints.

    Raises
    ------
    EngineError
        DuckDB refuses the limit.
    """
    import ibis

    limits: dict[str, Any] = {"temp_directory": str(scratch)}
    if memory_limit is not None:
        limits["memory_limit"] = memory_limit
    try:
        connection: Any = ibis.duckdb.connect(**limits)
        connection.con.execute("SET enable_progress_bar = false")
    except Exception as error:
        raise EngineError(
            f"DuckDB did not start with memory_limit={memory_limit!r}: {error}"
        ) from error
    return connection


class DuckEngine:
    """DuckDB in this process.

    Parameters
    ----------
    scratch : Path
        Folder for what does not fit into memory.
    memory_limit : str or None
        For example "2GiB"; None leaves DuckDB's own (80 % of the machine).
    """

    def __init__(self, scratch: Path, memory_limit: str | None = None) -> None:
        self.connection: Any = connect_duckdb(scratch / "duckdb", memory_limit)

    def read(self, files: Sequence[Path]) -> Any:
        """Return the rows of ``files`` as an Ibis table."""
        return self.connection.read_parquet([str(path) for path in files])

    def batches(self, expression: Any, rows: int) -> Any:
        """Yield the answer of an expression in batches of about ``rows`` while it is computed.

        A plain scan keeps the order of its files. Amounts come as decimal64, in whole cents of 8
        bytes each. Ibis's own way holds the whole answer first. Nothing else may run meanwhile.
        """
        import ibis

        connection = self.connection.con
        connection.execute("SET arrow_output_version = '1.5'")
        relation = connection.sql(ibis.to_sql(expression, dialect="duckdb"))
        reader = relation.to_arrow_reader(rows)
        try:
            yield from reader
        finally:
            reader.close()
            connection.execute("RESET arrow_output_version")

    def close(self) -> None:
        """Close the connection and give its memory back."""
        self.connection.disconnect()


class SparkEngine:
    """A session of PySpark on this machine; the Java process is shared and ends with ours."""

    def __init__(self, scratch: Path, memory_limit: str | None = None) -> None:
        self._names: list[str] = []
        self._session = _spark_session(scratch, memory_limit)
        import ibis

        self.connection: Any = ibis.pyspark.connect(session=self._session)

    def read(self, files: Sequence[Path]) -> Any:
        """Return the rows of ``files`` as an Ibis table."""
        import ibis

        name = ibis.util.gen_name("fengkong")
        frame = self._session.read.parquet(*[str(path.absolute()) for path in files])
        frame.createOrReplaceTempView(name)
        self._names.append(name)
        return self.connection.table(name)

    def close(self) -> None:
        """Forget the tables read; the session stays for the next view."""
        for name in self._names:
            with suppress(Exception):
                self._session.catalog.dropTempView(name)
        self._names.clear()


def _spark_session(scratch: Path, memory_limit: str | None) -> Any:
    """Return a session of its own on the one Spark context of this process."""
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise EngineError(
            'the engine "spark" needs the extra [scale]: pip install "fengkong[scale]"'
        ) from error
    if SparkSession.getActiveSession() is None and shutil.which("java") is None:
        raise EngineError(
            'the engine "spark" needs Java 17: install it (for example openjdk-17-jre-headless) '
            "and put `java` on the PATH"
        )
    builder = (
        SparkSession.builder.master("local[*]")
        .appName("fengkong")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .config("spark.sql.warehouse.dir", str(scratch / "warehouse"))
        .config("spark.driver.memory", (memory_limit or "2GiB").lower().replace("ib", ""))
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
    )
    try:
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
        own = session.newSession()
        own.conf.set("spark.sql.session.timeZone", "UTC")
        own.conf.set("spark.sql.shuffle.partitions", "4")
        own.conf.set("spark.sql.execution.arrow.pyspark.enabled", "true")
    except Exception as error:
        raise EngineError(f"Spark did not start: {error}") from error
    return own


def start(engine: str, scratch: Path, memory_limit: str | None) -> Engine:
    """Start the engine of that name.

    Raises
    ------
    InputError
        No engine has this name.
    EngineError
        It is not installed or does not start.
    """
    if engine == "duckdb":
        return DuckEngine(scratch, memory_limit)
    if engine == "spark":
        return SparkEngine(scratch, memory_limit)
    raise InputError(f"engine must be one of {', '.join(ENGINES)}; got {engine!r}")
