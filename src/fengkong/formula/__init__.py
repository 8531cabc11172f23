"""One expression language: Expression (a row) and Metric (an aggregate over registered measures)."""
