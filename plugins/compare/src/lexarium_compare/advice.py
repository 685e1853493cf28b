"""One sentence: which candidate to take, if any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lexarium_compare.figures import latency_ratio, p_value, score, significant
from lexarium_compare.scoring import best_row

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from lexarium_compare.board import Row

__all__ = ["MAJORITY", "NOISE", "Advice", "advise"]

#: How the baseline's row is called.
MAJORITY = "majority class"
#: A difference with a p value from here on is within noise.
NOISE = 0.05
_FEW = 200
#: A latency counts as lower from here on: between two fresh processes it wanders by tens of percent.
_QUICKER = 1 / 2


@dataclass(frozen=True)
class Advice:
    """The sentence, and the model that it recommends, if it does."""

    sentence: str
    recommended: str | None = None


def advise(rows: Sequence[Row], *, beat_majority: Collection[str], test_rows: int) -> Advice:
    """Recommend the quickest row within noise of the best, if it takes half the best's time at most.

    ``beat_majority`` names the rows that are better than the majority class beyond noise; none
    other is recommended.
    """
    measured = [row for row in rows if row.status == "ok"]
    learned = [row for row in measured if row.model != MAJORITY]
    floor = next((row for row in measured if row.model == MAJORITY), None)
    best = best_row(measured)
    if best is None or floor is None:
        first = next((f"; {row.model}: {row.error}" for row in rows if row.error), "")
        return Advice(f"Nothing can be said: the majority class itself was not measured{first}")
    if not learned:
        missed = len(rows) - 1
        others = f"none of the {missed} others was" if missed > 1 else "the other one was not"
        why = f"{others}, for the reasons given" if missed else "name what to compare it with in --models"
        return Advice(f"Only the majority class was measured ({score(floor.accuracy)}): {why}.")
    if best.model not in beat_majority:
        return Advice(_nothing_learned(floor, best, learned, test_rows))
    close = [row for row in learned if row is not best and _p(row) >= NOISE and row.model in beat_majority]
    quick = [row for row in close if _latency(row) <= _QUICKER * _latency(best)]
    chosen = min(quick, key=_latency, default=best)
    few = f"; with {test_rows} test rows only large differences show" if test_rows < _FEW else ""
    return Advice(_recommend(chosen, best, floor, learned) + few + ".", chosen.model)


def _nothing_learned(floor: Row, best: Row, learned: Sequence[Row], test_rows: int) -> str:
    remedy = "check the labels, or give more rows"
    if floor is best:
        top = best_row(learned) or best
        return (
            f"Nothing learned here: no candidate beats the majority class ({score(floor.accuracy)}); "
            f"the next, {top.model}, has {score(top.accuracy)} on {test_rows:,} test rows: {remedy}."
        )
    return (
        f"Nothing learned here: the best, {best.model}, is within noise of the majority class "
        f"({score(best.accuracy)} against {score(floor.accuracy)}, {_say_p(floor)}) on {test_rows:,} "
        f"test rows: {remedy}."
    )


def _recommend(chosen: Row, best: Row, floor: Row, learned: Sequence[Row]) -> str:
    if chosen is not best:
        against = f"{best.model}: {score(chosen.accuracy)} against {score(best.accuracy)}, {_say_p(chosen)}"
        ratio = latency_ratio(_latency(chosen), _latency(best))
        return f"{chosen.model} is within noise of the best ({against}) at {ratio}"
    if len(learned) == 1:
        against = f"{score(best.accuracy)} against {score(floor.accuracy)}, {_say_p(floor)}"
        return f"{best.model}, the only one measured, beats the majority class ({against})"
    rival = best_row([row for row in learned if _latency(row) <= _QUICKER * _latency(best)])
    if rival is None:
        quick = f"{significant(_latency(best))} ms a text"
        if min(learned, key=_latency) is best:
            return (
                f"{best.model} is both the most accurate ({score(best.accuracy)}) and the cheapest ({quick})"
            )
        top = f"{best.model} is the most accurate ({score(best.accuracy)})"
        return f"{top}, and none is twice as quick ({quick})"
    ratio = latency_ratio(_latency(rival), _latency(best))
    return (
        f"{best.model} is the best ({score(best.accuracy)}), and nothing cheaper is within noise of it: "
        f"{rival.model} has {score(rival.accuracy)} ({_say_p(rival)}) at {ratio}"
    )


def _p(row: Row) -> float:
    return 1.0 if row.p_value_vs_best is None else row.p_value_vs_best


def _say_p(row: Row) -> str:
    said = p_value(_p(row))
    return f"p < {said[1:]}" if said.startswith("<") else f"p = {said}"


def _latency(row: Row) -> float:
    return row.latency_ms_p50 or 0.0
