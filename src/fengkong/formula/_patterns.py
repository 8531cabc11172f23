"""Limits and patterns that both compilers share, so that they cannot drift apart."""

from __future__ import annotations

import string

INTEGER_PATTERN = "[+-]?[0-9]{1,18}"
FLOAT_PATTERN = "[+-]?([0-9]{1,300}([.][0-9]{0,300})?|[.][0-9]{1,300})([eE][+-]?[0-9]{1,3})?"
MONEY_PATTERN = "[+-]?[0-9]{1,16}([.][0-9]{1,2})?"
DATE_PATTERN = "(000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})-[0-9]{2}-[0-9]{2}"
SPACES = " \t\n\r\v\f"
LETTERS_LOWER, LETTERS_UPPER = string.ascii_lowercase, string.ascii_uppercase
WHOLE_LIMIT = 2.0**52
"""Above it a float64 has no fraction to round."""
CENTS_LIMIT = 9e17
"""Bound of a float that is turned into a whole number, well inside int64 and DECIMAL(18)."""
DAYS_MAX, MONTHS_MAX = 4_000_000, 200_000
