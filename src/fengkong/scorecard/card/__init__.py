"""The card: selection, fit, points, reasons."""
