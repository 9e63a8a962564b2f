"""`longread doctor`: whether everything that `ask` needs is there, and how good the model is at it."""

from __future__ import annotations

import sys
import textwrap
import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from longread.cli.options import Assignments, BaseUrl, Model, Window

if TYPE_CHECKING:
    from longread.cli.checks import Check
    from longread.config import Resolved, Settings
    from longread.models.probe import Speed
    from longread.reading.examiner import Cost, Examiner, Outcome
    from longread.reading.opening import Opened

EXAMPLES = """\b
Examples:
  longread doctor
  longread doctor --model qwen3 --base-url http://localhost:8000/v1
  longread doctor --quality
  longread doctor --json | jq '.checks[] | select(.status != "ok")'
"""
_VERDICTS = {
    "good": "good: fit for long documents",
    "usable": "usable: check the citations, and let short texts be read in one pass",
    "weak": "weak: expect wrong and missing answers; take a larger model",
}


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("doctor", epilog=EXAMPLES)(doctor)


def doctor(
    model: Model = None,
    base_url: BaseUrl = None,
    window: Window = None,
    set_: Assignments = None,
    quality: Annotated[
        bool, typer.Option("--quality", help="Also put ten questions on made-up texts to the model.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check what ask needs: settings, model, speed, journal.

    The model gets a few small calls; --quality makes some sixty more and says before what they take.
    Exit codes: 0 ask would work, 1 something failed, 2 wrong usage.
    """
    import asyncio

    from longread.cli.overrides import address, assignments, given

    overrides = given({"model": model, "base_url": address(base_url), "window": window}) | assignments(
        set_ or []
    )
    report = Report(as_json)
    asyncio.run(_examine(overrides, quality, report))
    report.finish()
    raise typer.Exit(1 if report.failed else 0)


class Report:
    """Prints what is found as it is found, or all of it as one object at the end."""

    def __init__(self, as_json: bool) -> None:
        self._json = as_json
        self._checks: list[Check] = []
        self._quality: dict[str, Any] | None = None

    @property
    def failed(self) -> bool:
        """Whether any check failed."""
        return any(check.status == "fail" for check in self._checks)

    def add(self, check: Check) -> None:
        """Takes one finding."""
        self._checks.append(check)
        todo = f"  → {check.todo}" if check.todo else ""
        status = check.status.upper() if check.status == "fail" else check.status
        self.line(f"{status:<4}  {check.what:<11}  {check.detail}{todo}")

    def examined(self, examiner: Examiner, seconds: float) -> None:
        """Takes the outcome of the exam."""
        from longread.cli.checks import Check, duration

        asked, tally = len(examiner.outcomes), examiner.tally
        kinds = ", ".join(f"{kind} {right}/{of}" for kind, (right, of) in examiner.kinds.items())
        status: Literal["ok", "warn"] = "ok" if examiner.grade == "good" else "warn"
        self.add(Check(status, "quality", f"{examiner.right}/{asked} right: {kinds}"))
        if tally.replies:
            used = f"{_known(tally.usage.input_tokens)} tokens in, {_known(tally.usage.output_tokens)} out"
            broke = f"{tally.broken} of {tally.replies} broke the form ({examiner.broken:.0%})"
            self.add(Check(status, "replies", f"{broke}; {used}, {duration(seconds)}"))
        self.add(Check(status, "verdict", _VERDICTS[examiner.grade]))
        self._quality = {
            "verdict": examiner.grade,
            "right": examiner.right,
            "asked": asked,
            "kinds": {kind: {"right": right, "asked": of} for kind, (right, of) in examiner.kinds.items()},
            "replies": tally.replies,
            "broken": tally.broken,
            "input_tokens": tally.usage.input_tokens,
            "output_tokens": tally.usage.output_tokens,
            "cost": tally.usage.cost,
            "seconds": round(seconds, 3),
            "questions": [
                {
                    "kind": o.item.kind,
                    "question": o.item.question,
                    "expected": o.item.expected,
                    "answer": o.text,
                    "right": o.right,
                }
                for o in examiner.outcomes
            ],
        }

    def line(self, text: str) -> None:
        """A line for people; the object says it in its own way."""
        if not self._json:
            self.announce(text)

    def announce(self, text: str) -> None:
        """A line for people, whatever is printed otherwise."""
        from longread.printable import printable

        line = printable(" ".join(text.splitlines()))
        print(line, file=sys.stderr if self._json else sys.stdout, flush=True)

    def finish(self) -> None:
        """Prints the object, if one was asked for."""
        from longread.cli.output import print_json
        from longread.reading.objects import SCHEMA_VERSION

        if self._json:
            checks = [check._asdict() for check in self._checks]
            head = {"schema_version": SCHEMA_VERSION, "ok": not self.failed}
            print_json(head | {"checks": checks, "quality": self._quality})


def _known(tokens: int | None) -> str:
    return "?" if tokens is None else f"{tokens:,}"


async def _examine(overrides: dict[str, Any], quality: bool, report: Report) -> None:
    from longread.cli import checks
    from longread.config import resolve_settings
    from longread.errors import UsageError

    report.add(checks.check_python())
    try:
        resolved = resolve_settings(overrides)
    except UsageError as error:
        report.add(checks.Check("fail", "settings", str(error)))
        return
    for check in checks.check_configuration(resolved):
        report.add(check)
    await _examine_model(resolved, quality, report)
    for check in checks.check_state(resolved.settings):
        report.add(check)
    report.add(checks.check_extras())


async def _examine_model(resolved: Resolved, quality: bool, report: Report) -> None:
    from longread.cli import checks
    from longread.reading.language import LanguagePolicy

    settings = checks.bounded(resolved)
    opened, check = await checks.open_checked(settings)
    report.add(check)
    if opened is None:
        return
    try:
        speed = None
        if isinstance(opened.policy, LanguagePolicy):
            examined = checks.ModelChecks(opened.policy, settings)
            async for check in examined.checks():
                report.add(check)
            speed = examined.speed
        if quality and not report.failed:
            await _examine_quality(opened, settings, speed, report)
    finally:
        await opened.close()


async def _examine_quality(opened: Opened, settings: Settings, speed: Speed | None, report: Report) -> None:
    from longread.cli.checks import Check
    from longread.errors import LongreadError
    from longread.reading.exam import make_exam
    from longread.reading.examiner import Examiner

    exam, examiner = make_exam(), Examiner(opened.policy)
    report.announce(_announcement(examiner.cost(exam), opened, settings, speed))
    start = time.monotonic()
    try:
        async for outcome in examiner.run(exam):
            report.line(_told(outcome))
    except LongreadError as error:
        report.add(Check("fail", "quality", str(error)))
        return
    report.examined(examiner, time.monotonic() - start)


def _announcement(cost: Cost, opened: Opened, settings: Settings, speed: Speed | None) -> str:
    """What the exam will take, before it begins."""
    from longread.cli.checks import duration
    from longread.models.usage import read_cost

    text = f"quality: ten questions on made-up texts to {opened.policy.name}"
    if not cost.calls:
        return text
    text += (
        f", some {cost.calls} calls, {cost.input_tokens:,} tokens in and {cost.output_tokens:,} out "
        "(more if it thinks)"
    )
    if speed:
        each = speed.seconds_for(cost.input_tokens // cost.calls, cost.output_tokens // cost.calls)
        text += f", about {duration(cost.calls * each)}"
    if opened.free:
        return text
    price = read_cost(cost.input_tokens, 0, cost.output_tokens, settings.price_of(opened.policy.name))
    return text + (
        f", cost about {price:.4g}" if price is not None else f"; {opened.host} may charge for them"
    )


def _told(outcome: Outcome) -> str:
    item = outcome.item
    if outcome.right:
        return f"      right  {item.kind}: {item.question}"
    expected = item.expected or "that the text does not say"
    got = textwrap.shorten(outcome.text, 200, placeholder=" …")
    return f"      wrong  {item.kind}: {item.question} Expected: {expected}. Got: {got}"
