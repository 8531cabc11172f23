"""Measures of a loan portfolio: pure functions over the tables of a view, registered by name."""
