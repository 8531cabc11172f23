"""Optimal binning: exact, fast, and plain to read and edit."""
