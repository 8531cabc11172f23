"""A card as a PMML 4.4 Scorecard, in the order of elements that its schema demands."""

from __future__ import annotations

import math
import re
import sys
from xml.etree import ElementTree as Xml

from fengkong.foundation.errors import InputError
from fengkong.scorecard.card.document import Card, Variable
from fengkong.scorecard.card.reasons import Reference, reason_code, reference_points
from fengkong.scorecard.export._formula import Formula, Ref, Steps, formulas
from fengkong.scorecard.export._rules import Rule, check_exportable, rules_of

NAMESPACE = "http://www.dmg.org/PMML-4_4"
# What XML 1.0 cannot hold at all, not even escaped.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_BASELINE: dict[str, str] = {"maximum": "max", "mean": "mean", "neutral": "neutral"}


def to_pmml(card: Card, *, reference: Reference = "maximum", reasons_at_most: int = 4) -> str:
    """Return the text of a PMML 4.4 document with one Scorecard.

    Parameters
    ----------
    card : Card
    reference : "maximum", "mean" or "neutral", default "maximum"
        What points are lost against, as `adverse_reasons`; written as each baselineScore.
    reasons_at_most : int, default 4
        Output fields reason_1, reason_2, ... in the order of points lost.

    Returns
    -------
    str
        XML. Outputs: score, log_odds, probability and, where the card is calibrated or has
        grades, uncalibrated_probability and grade; then the reason codes, "variable:bin".

    Raises
    ------
    InputError
        A card that cannot be exported; a name or label with a character that XML cannot hold; a
        column with the name of an output.
    UnsupportedError
        Its calibration has no formula.

    Notes
    -----
    A missing value arrives as no value (or NaN); each characteristic asks for it first. Unknown
    categories are valid input (``invalidValueTreatment="asIs"``) and reach the last attribute.
    PMML has no rule for equal losses, nor for a row that lost points on fewer variables than there
    are reasons to give: evaluators then fill the later reason codes as they like. For notices to
    applicants take `adverse_reasons`.

    References
    ----------
    Data Mining Group, PMML 4.4.1, Scorecard.
    """
    check_exportable(card)
    later = formulas(card)
    names = [variable.bins.name for variable in card.variables]
    outputs = {"score", *later, *(f"reason_{place + 1}" for place in range(reasons_at_most))}
    if taken := outputs & set(names):
        raise InputError(f"columns of the card have names of outputs: {sorted(taken)}")
    root = Xml.Element("PMML", xmlns=NAMESPACE, version="4.4")
    header = Xml.SubElement(root, "Header", description=_text(card.name))
    Xml.SubElement(header, "Application", name="fengkong")
    fields = Xml.SubElement(root, "DataDictionary", numberOfFields=str(len(names)))
    for variable in card.variables:
        Xml.SubElement(fields, "DataField", _typed(variable))
    model = Xml.SubElement(
        root, "Scorecard", modelName=_text(card.name), functionName="regression",
        algorithmName="scorecard", initialScore=_number(card.base_points), useReasonCodes="true",
        reasonCodeAlgorithm="pointsBelow", baselineMethod=_BASELINE[reference],
    )  # fmt: skip
    schema = Xml.SubElement(model, "MiningSchema")
    for name in names:
        Xml.SubElement(
            schema, "MiningField", name=_text(name), usageType="active",
            invalidValueTreatment="asIs",
        )  # fmt: skip
    model.append(_outputs(later, reasons_at_most))
    model.append(_characteristics(card, reference))
    Xml.indent(root, space=" ")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"
    )


def _typed(variable: Variable) -> dict[str, str]:
    numeric = variable.bins.kind == "numeric"
    return {
        "name": _text(variable.bins.name),
        "optype": "continuous" if numeric else "categorical",
        "dataType": "double" if numeric else "string",
    }


def _outputs(later: dict[str, Formula], reasons_at_most: int) -> Xml.Element:
    output = Xml.Element("Output")
    number = {"optype": "continuous", "dataType": "double"}
    text = {"optype": "categorical", "dataType": "string"}
    Xml.SubElement(output, "OutputField", number, name="score", feature="predictedValue")
    for name, formula in later.items():
        kind = text if name == "grade" else number
        field = Xml.SubElement(output, "OutputField", kind, name=name, feature="transformedValue")
        field.append(_expression(formula))
    for place in range(1, reasons_at_most + 1):
        Xml.SubElement(
            output, "OutputField", text, name=f"reason_{place}", feature="reasonCode",
            rank=str(place),
        )  # fmt: skip
    return output


def _characteristics(card: Card, reference: Reference) -> Xml.Element:
    found = Xml.Element("Characteristics")
    for place, variable in enumerate(card.variables):
        baseline = reference_points(variable, reference)
        one = Xml.SubElement(
            found, "Characteristic", name=f"c{place}", baselineScore=_number(baseline)
        )
        for rule in rules_of(variable):
            attribute = Xml.SubElement(
                one, "Attribute", partialScore=_number(rule.points),
                reasonCode=_text(reason_code(variable.bins, rule.code)),
            )  # fmt: skip
            attribute.append(_predicate(_text(variable.bins.name), rule))
    return found


def _predicate(field: str, rule: Rule) -> Xml.Element:
    if rule.test == "otherwise":
        return Xml.Element("True")
    if rule.test == "missing":
        return Xml.Element("SimplePredicate", field=field, operator="isMissing")
    if rule.test == "below":
        return _simple(field, "lessThan", _number(rule.limit))
    tests = [_equals(field, value) for value in rule.values]
    if len(tests) == 1:
        return tests[0]
    either = Xml.Element("CompoundPredicate", booleanOperator="or")
    either.extend(tests)
    return either


def _simple(field: str, operator: str, value: str) -> Xml.Element:
    return Xml.Element("SimplePredicate", field=field, operator=operator, value=value)


def _equals(field: str, value: float | str) -> Xml.Element:
    if isinstance(value, str):
        return _simple(field, "equal", _text(value))
    if math.isinf(value):
        # Evaluators differ in how they read an infinity; beyond the largest float all agree.
        largest = math.copysign(sys.float_info.max, value)
        return _simple(field, "greaterThan" if value > 0 else "lessThan", _number(largest))
    return _simple(field, "equal", _number(value))


def _expression(formula: Formula) -> Xml.Element:
    if isinstance(formula, float | int):
        return _constant(_number(formula), "double")
    if isinstance(formula, str):
        return _constant(_text(formula), "string")
    if isinstance(formula, Ref):
        return Xml.Element("FieldRef", field=formula.name)
    if isinstance(formula, Steps):
        return _chain(formula)
    return _apply(formula.operator, *map(_expression, formula.args))


def _constant(text: str, kind: str) -> Xml.Element:
    found = Xml.Element("Constant", dataType=kind)
    found.text = text
    return found


def _apply(function: str, *args: Xml.Element) -> Xml.Element:
    found = Xml.Element("Apply", function=function)
    found.extend(args)
    return found


def _chain(steps: Steps) -> Xml.Element:
    """Ask for the middle limit first, so that hundreds of steps nest only a few levels deep."""
    if not steps.limits:
        return _expression(steps.last)
    middle = len(steps.limits) // 2
    limit = steps.limits[middle]
    lower = Steps(steps.value, steps.limits[:middle], steps.then[:middle], steps.then[middle])
    upper = Steps(steps.value, steps.limits[middle + 1 :], steps.then[middle + 1 :], steps.last)
    test = _apply("lessThan", _expression(steps.value), _constant(_number(limit), "double"))
    return _apply("if", test, _chain(lower), _chain(upper))


def _number(value: float) -> str:
    return repr(float(value))


def _text(value: str) -> str:
    if _FORBIDDEN.search(value):
        raise InputError(f"XML cannot hold the text {value!r}")
    return value
