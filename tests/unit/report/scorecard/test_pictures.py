"""The title of a picture is what its figures say; the drawing holds them, in both languages."""

from __future__ import annotations

import dataclasses
import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from fengkong.report.scorecard import _bins, _calibration, _drift, _fairness, _separation
from fengkong.report.scorecard._marks import SHAPES
from fengkong.scorecard.binning import Special


def words(figure):
    """Return the texts of a drawing; it must be a whole document without a stray value."""
    assert "NaN" not in figure.svg
    assert "undefined" not in figure.svg
    assert not re.search(r'"#0[0-9a-f]{5}"', figure.svg), "a colour that is no token"
    tree = ET.fromstring(figure.svg.replace("xlink:href", "href"))  # noqa: S314
    return [node.text for node in tree.iter() if node.tag.endswith("text") and node.text]


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("en", "income: bad rate is highest in < 1000, 30.00%, and lowest in ≥ 2500.5, 5.00%"),
        ("zh", "income：< 1000 坏账率最高，30.00%；≥ 2500.5 最低，5.00%"),
    ],
)  # fmt: skip
def test_bins_name_the_worst_and_the_best_of_the_large_ones(income, language, title):
    # Missing holds 19 bads of 20 rows: too few rows to be called the worst.
    figure = _bins.bins_figure(income, np.array([-5.0, 3, 12, -30, 0, 0]), language, "k")
    assert figure.title.replace("\u00a0", " ") == title  # a sign stays with its number
    texts = words(figure)
    for text in ("−5", "12", "−30", "42.6", "21.3"):
        assert text in texts
    assert figure.note


def test_the_picture_of_a_column_may_say_the_value_it_was_selected_by(income):
    assert "IV 0.512 (suspicious" in _bins.bins_figure(income, None, "en", "k", iv=0.512).about


def test_bins_table_by_hand(income):
    rows = {row["code"]: row for row in _bins.bins_sheet(income).rows}
    assert set(rows) == {0, 1, 2, 3, 4}  # nothing fell into unseen
    # Bads 84 of 470; bin 0: 70 goods of 386, 30 bads of 84.
    woe = np.log((70 / 386) / (30 / 84))
    assert rows[0]["woe"] == pytest.approx(woe, abs=1e-12)
    assert rows[0]["iv_part"] == pytest.approx((70 / 386 - 30 / 84) * woe, abs=1e-12)
    # Wilson (1927) for 30 of 100: 0.2189 to 0.3958 (Newcombe 1998, method 3).
    assert (rows[0]["bad_rate_low"], rows[0]["bad_rate_high"]) == (
        pytest.approx(0.2189, abs=5e-5), pytest.approx(0.3958, abs=5e-5),
    )  # fmt: skip
    assert rows[3]["bin"]["zh"] == "缺失"


def test_unseen_category_has_a_line_once_there_are_points(channel):
    plain = [row["code"] for row in _bins.bins_sheet(channel).rows]
    pointed = [row["code"] for row in _bins.bins_sheet(channel, np.zeros(4)).rows]
    assert (plain, pointed) == ([0, 1], [0, 1, 2, 3])


@pytest.mark.parametrize(
    ("iv", "name"),
    [(0.0199, "none"), (0.02, "weak"), (0.1, "medium"), (0.3, "strong"), (0.5, "suspicious")],
)
def test_classes_of_information_value(iv, name):
    assert _bins.iv_class(iv) == name


def test_information_values_are_ordered_and_a_suspicious_one_is_said():
    rows = [
        {"variable": "a", "iv": 0.01, "in_card": False},
        {"variable": "b", "iv": 0.6, "in_card": True},
        {"variable": "c", "iv": 0.2, "in_card": True},
    ]
    figure = _bins.iv_figure(rows, "en", "k")
    assert figure.title == ("b has an IV of 0.600: look for leakage. 2 of 3 variables reach 0.02")
    assert [row["variable"] for row in figure.sheet.rows] == ["b", "c", "a"]
    assert [text for text in words(figure) if text in {"0.600", "0.200", "0.010"}] == [
        "0.600", "0.200", "0.010",
    ]  # fmt: skip


def test_cap_reads_the_riskiest_fifth_between_two_points():
    curve = [{"row_share": 0.0, "bad_share": 0.0}, {"row_share": 0.1, "bad_share": 0.4},
             {"row_share": 0.3, "bad_share": 0.8},
             {"row_share": 1.0, "bad_share": 1.0}]  # fmt: skip
    figure = _separation.cap_figure({"all": curve}, 0.5, "en", "k")
    assert figure.title == "The riskiest fifth of applicants holds 60.00% of all bads (Gini 50.00%)"
    assert words(figure)


def test_roc_names_both_samples():
    curve = [{"good_share": x, "bad_share": x**0.5} for x in (0.0, 0.2, 0.5, 1.0)]
    auc = {"auc": 0.701, "lower": 0.65, "upper": 0.75, "confidence": 0.95}
    figure = _separation.roc_figure({"train": curve, "test": curve}, auc, "en", "k")
    assert figure.note == "strong: test; grey: development"
    assert "70.10%" in figure.title
    assert "test" in words(figure)


def test_reliability_counts_the_bands_whose_interval_holds_the_prediction():
    def band(number, mean, rate, low, high):
        return {"bin": number, "rows": 100, "probability_lowest": mean,
                "probability_highest": mean, "probability_mean": mean, "bad_rate": rate,
                "lower": low, "upper": high}  # fmt: skip

    rows = [band(1, 0.10, 0.12, 0.10, 0.2), band(2, 0.30, 0.45, 0.31, 0.6)]
    figure = _calibration.reliability_figure(rows, {"p_value": 0.02, "error": 0.085}, "en", "k")
    assert figure.title.startswith("In 1 of 2 bands")
    assert "8.50%" in figure.title
    assert "p = 0.020" in figure.about
    for value, said in ((1e-9, "p < 0.001"), (float("nan"), "p –")):
        test = {"p_value": value, "error": 0.085}
        assert said in _calibration.reliability_figure(rows, test, "en", "k").about


GRADES = [
    {"grade": "A", "rows": 100, "bad": 2, "bad_rate": 0.02, "lower": 0.005, "upper": 0.07,
     "probability": 0.02, "expected_bad": 2.0, "binomial_p_value": 0.6, "light": "green"},
    {"grade": "B", "rows": 100, "bad": 30, "bad_rate": 0.30, "lower": 0.22, "upper": 0.4,
     "probability": 0.1, "expected_bad": 10.0, "binomial_p_value": 1e-7, "light": "red"},
]  # fmt: skip


@pytest.mark.parametrize(("language", "word"), [("en", "red"), ("zh", "红灯")])
def test_a_light_has_a_shape_and_a_word(language, word):
    figure = _calibration.grades_figure(GRADES, language, "k")
    assert f"{SHAPES['red']} {word}" in words(figure)
    assert figure.sheet.rows[1]["light"][language] == f"■ {word}"
    assert "B" in figure.title


def test_ranks_mark_the_cell_that_is_out_of_order():
    def rate(period, band, place, value):
        return {"period": period, "band": band, "place": place, "rows": 50, "bad": int(50 * value),
                "bad_rate": value, "lower": 0.0, "upper": 1.0}  # fmt: skip

    rates = [rate("2025Q1", "B", 1, 0.2), rate("2025Q1", "A", 2, 0.1),
             rate("2025Q2", "B", 1, 0.1), rate("2025Q2", "A", 2, 0.3)]  # fmt: skip
    broken = [{"period": "2025Q2", "riskier": "B", "safer": "A", "riskier_rate": 0.1,
               "safer_rate": 0.3, "p_value": 0.01, "significant": True}]  # fmt: skip
    figure = _calibration.ranks_figure(rates, broken, "en", "k")
    assert "breaks in 2025Q2 beyond chance: A is worse than B" in figure.title
    assert "it holds in 1 of 2 periods" in figure.title
    assert "30.0 ■" in words(figure)
    alone = [{**row, "period": "all"} for row in rates[:2]]
    figure = _calibration.ranks_figure(alone, [], "zh", "k")
    assert figure.title == "等级顺序成立：等级越差，坏账率越高"
    assert "全部样本" in words(figure)
    assert _calibration.ranks_figure(rates[:2], [], "en", "k").title.startswith(
        "The order of grades holds in all 1 periods"
    )


def group(name, ratio, **more):
    return {"attribute": "sex", "group": name, "rows": 100, "approval_rate": 0.5 * ratio,
            "reference": "M", "ratio": ratio, "ratio_lower": ratio - 0.1,
            "ratio_upper": ratio + 0.1, "ratio_below": ratio < 0.8,
            "small": False} | more  # fmt: skip


def test_fairness_speaks_of_the_lowest_ratio_and_leaves_small_groups_out():
    table = [group("M", 1.0), group("F", 0.7), group("X", 0.1, small=True)]
    figure = _fairness.fairness_figure(table, "en", "k")
    assert (
        figure.title
        == "Impact ratio below 0.80 in 1 of the groups compared; the lowest is sex F, 0.70"
    )
    assert "■ 0.70" in words(figure)
    assert not [text for text in words(figure) if "X" in text]
    assert len(figure.sheet.rows) == 3
    assert _fairness.fairness_figure([group("M", 1.0), group("F", np.nan)], "en", "k") is None


@pytest.mark.parametrize(
    ("grades", "title"),
    [
        (["shift", "stable"], "1 of 2 columns shifted; a moved most, PSI 0.400"),
        (["watch", "watch"], "2 of 2 columns to watch; a moved most, PSI 0.400"),
        (["stable", "stable"], "All 2 columns are stable; a moved most, PSI 0.400"),
    ],
)
def test_stability_counts_the_shifted(grades, title):
    rows = [
        {"column": name, "psi": psi, "grade": grade, "psi_95": 0.01, "psi_99": 0.02}
        for name, psi, grade in zip("ba", (0.01, 0.4), grades[::-1], strict=True)
    ]
    assert _drift.psi_figure(rows, "en", "k").title == title


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("(-inf, 3900)", "< 3900"), ("(-inf, -0.5)", "< −0.5"), ("[1e+06, +inf)", "≥ 1e+06"),
        ("[1, 2)", "[1, 2)"), ("(-inf, +inf)", "(-inf, +inf)"), ("missing", "missing"),
        ("(-inf, x)", "(-inf, x)"),
    ],
)  # fmt: skip
def test_open_ends_read_as_in_the_card(cell, name):
    assert _drift.cell_name(cell, "en") == name


def test_shift_names_the_cell_with_the_largest_part():
    rows = [
        {"column": "a", "cell": "app", "reference_share": 0.5, "current_share": 0.4,
         "contribution": 0.02, "reference_count": 50, "current_count": 40},
        {"column": "a", "cell": "new", "reference_share": 0.0, "current_share": 0.1,
         "contribution": 0.5, "reference_count": 0, "current_count": 10},
    ]  # fmt: skip
    assert _drift.shift_figure(rows, "zh", "k").title == "a：新类别 的占比由 0.00% 变为 10.00%"


@pytest.mark.parametrize(("start", "moved"), [(0.75, False), (0.80, True)])
def test_expected_performance_says_whether_the_band_holds_the_start(start, moved):
    rows = [{"period": "2026-01", "expected": 0.74, "lower": 0.72, "upper": 0.76, "realised": 0.7},
            {"period": "2026-02", "expected": 0.74, "lower": 0.72, "upper": 0.76,
             "realised": None}]  # fmt: skip
    figure = _drift.expected_figure(rows, {"reference": start, "name": "name_auc"}, "en", "k")
    assert ("away from" in figure.title) is moved


def test_a_bad_rate_to_expect_is_in_per_cent():
    rows = [{"period": "2026-01", "expected": 0.10, "lower": 0.08, "upper": 0.12,
             "realised": None}] * 2  # fmt: skip
    facts = {"reference": 0.2, "name": "name_bad_rate"}
    figure = _drift.expected_figure(rows, facts, "en", "k")
    assert figure.title.replace("\u2011", "-") == (
        "Expected bad rate in 2026-01 is 10.00% (8.00% to 12.00%), away from 20.00% at development"
    )
    assert figure.note == ""


def test_crossings_of_equal_codes_keep_rows_of_their_own():
    def crossed(attribute, ratio):
        return group("2 x 3", ratio, attribute=attribute, reference="1 x 1")

    table = [crossed("sex x region", 0.7), crossed("sex x age", 0.9)]
    figure = _fairness.fairness_figure(table, "en", "k")
    assert {"sex 2 × region 3", "sex 2 × age 3"} <= set(words(figure))
    assert "sex 2 × region 3" in figure.title


def test_a_special_with_the_name_of_another_bin_keeps_its_row(income):
    twin = dataclasses.replace(income, specials=(Special(name="missing", values=(-1,)),))
    texts = words(_bins.bins_figure(twin, None, "en", "k"))
    assert [text.strip("\u200b") for text in texts].count("missing") == 2
