"""Fengkong 风控: an open risk desk for internet-finance platforms."""

__version__ = "0.1.0"
