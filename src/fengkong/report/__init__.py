"""The position report: figures, pictures and words that a risk officer reads from the top."""
