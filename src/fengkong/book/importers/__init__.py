"""The door: tapes of others become facts of the book; what breaks a rule is set apart."""

from fengkong.book.importers._load import import_tape
from fengkong.book.importers._mapping import propose, read_mapping
from fengkong.book.importers._report import ImportReport
from fengkong.book.importers._unpack import Limits

__all__ = ["ImportReport", "Limits", "import_tape", "propose", "read_mapping"]
