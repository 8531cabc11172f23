"""The book 账簿: facts that are never changed, read as of a date and as known at an instant."""
