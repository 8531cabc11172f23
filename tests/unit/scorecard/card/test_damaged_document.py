"""A card that is not whole is refused in words, whatever part is gone."""

from __future__ import annotations

import json

import pytest
from tests.unit.scorecard.card.loans import loans

from fengkong.foundation.errors import InputError
from fengkong.scorecard import Card, Scorecard

TABLE, BAD = loans(600)
WHOLE = json.loads(Scorecard().fit(TABLE, BAD).card_.to_json())


@pytest.mark.parametrize("part", sorted(set(WHOLE) - {"format"}))
def test_a_missing_part_is_named(part):
    text = json.dumps({key: value for key, value in WHOLE.items() if key != part})
    with pytest.raises(InputError, match=part):
        Card.from_json(text)


@pytest.mark.parametrize("key", sorted(WHOLE["variables"][0]["bins"]))
def test_a_missing_part_of_the_bins_is_named(key):
    damaged = json.loads(json.dumps(WHOLE))
    del damaged["variables"][0]["bins"][key]
    with pytest.raises(InputError, match=key):
        Card.from_dict(damaged)


@pytest.mark.parametrize("text", ["[]", "null", "3", '{"format": "fengkong.scorecard/9"}', "{"])
def test_other_json_is_no_scorecard(text):
    with pytest.raises(InputError, match="not a scorecard"):
        Card.from_json(text)


@pytest.mark.parametrize("part", ["scaling", "variables", "grades"])
def test_a_part_of_another_kind_is_refused(part):
    with pytest.raises(InputError):
        Card.from_dict({**WHOLE, part: 7})
