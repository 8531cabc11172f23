"""What every other package stands on: errors, columns and units, money, calendar, randomness."""
