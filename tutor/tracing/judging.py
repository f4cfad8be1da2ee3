"""The rule by which a version may serve: what it must show on the test rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _


@dataclass(frozen=True, slots=True)
class PromotionRule:
    """What a version must show on the test rows before it serves; shown on the models page.

    The calibration error may also be as high as chance makes it on so few rows.
    """

    log_loss_margin: float = 0.002
    ece_most: float = 0.05
    test_responses_least: int = 200
    test_learners_least: int = 5


RULE = PromotionRule()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a version may serve, and why (not) in words."""

    is_promotable: bool
    reason: str


def promotion_judge(metrics: Mapping[str, Any], rule: PromotionRule = RULE) -> Verdict:
    """Judge a version by its back-test (see `engine_fit.backtest`)."""
    rows = {row["name"]: row for row in metrics["rows"]}
    mine, serving = rows["candidate"], rows[metrics["against"]]
    test, difference = metrics["test"], metrics["difference"]["log_loss"]
    doubts = []
    if test["n_responses"] < rule.test_responses_least or (
        test["n_learners"] < rule.test_learners_least
    ):
        doubts.append(
            _("there are only {n} test answers of {learners} learners").format(
                n=test["n_responses"], learners=test["n_learners"]
            )
        )
    gain = serving["log_loss"] - mine["log_loss"]
    if not gain >= rule.log_loss_margin:
        doubts.append(
            _(
                "its log loss of {mine:.4f} is not {margin} below the {serving:.4f} of the {name}"
            ).format(
                mine=mine["log_loss"],
                margin=rule.log_loss_margin,
                serving=serving["log_loss"],
                name=metrics["against"],
            )
        )
    elif difference["high"] is None or difference["high"] >= 0:
        doubts.append(_("the gain may be chance: its interval reaches zero"))
    if not mine["log_loss"] < rows["learner_mean"]["log_loss"]:
        doubts.append(_("it does not beat each learner's own average"))
    ece_most = max(rule.ece_most, mine["ece_by_chance"])
    if not mine["ece"] <= ece_most:
        doubts.append(
            _("its calibration error of {ece:.3f} is above {most:.3f}").format(
                ece=mine["ece"], most=ece_most
            )
        )
    if doubts:
        return Verdict(is_promotable=False, reason=_("Not promoted: ") + "; ".join(doubts) + ".")
    return Verdict(
        is_promotable=True,
        reason=_(
            "Log loss {mine:.4f} against {serving:.4f} of the {name} on {n} test answers."
        ).format(
            mine=mine["log_loss"],
            serving=serving["log_loss"],
            name=metrics["against"],
            n=test["n_responses"],
        ),
    )
