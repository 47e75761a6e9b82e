"""What the desk does to a whole lift: out of service and back, suppressed by design and released.

Each is one transaction's work and answers as a tap does: done, already done, or refused in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

import orjson

from alerts.aside.asides import Asides, Order, check_end
from alerts.desk.work import Row, Work
from alerts.lifecycle.moves import ASIDE_WORDS, Refusal, clock_text, may
from alerts.model import Actor, ActResult, Aside, LiftStep
from config.text import Text

KIND = {
    LiftStep.TAKE_OUT: Aside.OUT_OF_SERVICE,
    LiftStep.RETURN: Aside.OUT_OF_SERVICE,
    LiftStep.SUPPRESS: Aside.SUPPRESSED,
    LiftStep.RELEASE: Aside.SUPPRESSED,
}


@dataclass
class LiftSteps:
    """Takes the steps; `tz` is the site's zone, for hours in answers."""

    asides: Asides
    tz: tzinfo

    def begin(
        self,
        work: Work,
        step: LiftStep,
        subject: tuple[str, str],
        actor: Actor,
        reason: str,
        until_ms: int | None,
        rules: Sequence[str] = (),
    ) -> ActResult:
        """Take out of service, or suppress. `subject` is (kind, id)."""
        kind = KIND[step]
        refused = _not_yours(step, actor) or _no_reason(reason)
        refused = refused or check_end(kind, work.now_ms, until_ms)
        if refused is not None or until_ms is None:
            return _refused(refused)
        standing = self.asides.standing(work, kind, *subject)
        if standing is not None and orjson.loads(standing["rules"]) == list(rules):
            return ActResult(True, False, self._already(kind, standing))
        order = Order(kind, *subject, reason.strip(), until_ms, rules)
        made = self.asides.begin(work, order, actor)
        if isinstance(made, Refusal):
            return _refused(made)
        at, words = clock_text(until_ms, self.tz), ASIDE_WORDS[kind]
        return ActResult(
            True, True, Text(f"已{words.zh}，至 {at}", f"done: {words.en} until {at}"), None, made
        )

    def end(self, work: Work, step: LiftStep, standing: Row | None, actor: Actor) -> ActResult:
        """Return to service, or release: what is still active pages from now on."""
        refused = _not_yours(step, actor)
        if refused is not None:
            return _refused(refused)
        if standing is None or standing["kind"] != KIND[step].value:
            words = ASIDE_WORDS[KIND[step]]
            return ActResult(True, False, Text(f"当前没有{words.zh}", f"it is not {words.en}"))
        self.asides.end(work, standing, actor, step.value)
        text = Text("已恢复报警", "done: its alerts page again")
        return ActResult(True, True, text, None, standing["id"])

    def _already(self, kind: Aside, standing: Row) -> Text:
        at, words = clock_text(standing["until_ms"], self.tz), ASIDE_WORDS[kind]
        who = standing["begun_by"]
        return Text(
            f"{who} 已{words.zh}，至 {at}", f"it is already {words.en} until {at}, by {who}"
        )


def _refused(refusal: Refusal | None) -> ActResult:
    text = refusal.text if refusal else Text("无法操作", "not possible")
    return ActResult(False, False, text)


def _not_yours(step: LiftStep, actor: Actor) -> Refusal | None:
    if may(step, actor.role, actor.origin):
        return None
    text = Text(
        "须由值班员或管理员在控制台操作",
        f"this step ({step.value}) is for an operator or administrator at the console",
    )
    return Refusal("not_allowed", text)


def _no_reason(reason: str) -> Refusal | None:
    if reason.strip():
        return None
    text = Text("reason：请写明理由", "reason: say why, so that others understand it")
    return Refusal("reason_missing", text)
