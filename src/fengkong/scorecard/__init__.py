"""The scorecard lab: develop, validate and watch credit models."""
