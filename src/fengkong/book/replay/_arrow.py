"""Arrow as the replay uses it: untyped compute functions, since their stubs lag behind."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute

pc: Any = pyarrow.compute
array: Any = pa.array
Column = Any
"""An Arrow array or chunked array."""
