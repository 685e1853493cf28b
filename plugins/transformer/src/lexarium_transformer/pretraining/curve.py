"""The loss curve that a pretrained model keeps: read, and drawn as SVG."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from lexarium.errors import CheckpointError, InputError, UnsupportedError
from lexarium.strict_json import parse_object
from lexarium_transformer.pretraining.training import CURVE

if TYPE_CHECKING:
    from pathlib import Path

    from lexarium.zoo import Zoo

__all__ = ["Curve", "Point", "draw", "losses"]

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 720, 400, 64, 48, 684, 352
_TICKS = 5
_LINE, _GRID = "#0b62a4", "#ddd"
_FONT = 'font-family="sans-serif" font-size="13" fill="#222"'


@dataclass(frozen=True)
class Point:
    """The mean loss of the updates up to ``step`` since the last point, in nats per token that is told."""

    step: int
    loss: float
    learning_rate: float


@dataclass(frozen=True)
class Curve:
    """The losses of a run: ``steps`` updates done, ``of`` how many."""

    model: str
    steps: int
    of: int
    points: list[Point]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def losses(zoo: Zoo, model: str, svg: Path | None = None) -> Curve:
    """Return the loss curve of a stored model, and draw it to the new file ``svg``: the verb of ``losses``.

    :raises UnsupportedError: the model was not pretrained here.
    :raises CheckpointError: its curve is damaged.
    :raises InputError: there is such a file, or it cannot be written.
    """
    opened = zoo.load(model)
    files = opened.state().files if hasattr(opened, "state") else {}
    if CURVE not in files:
        raise UnsupportedError(
            f"{model} has no loss curve: it was not trained from scratch by this method",
            "name one that was: lexarium fit bert --corpus texts.txt --name NAME",
        )
    curve = _parsed(model, parse_object(files[CURVE], CURVE))
    if svg is not None:
        try:
            with svg.open("x", encoding="utf-8") as file:
                file.write(draw(curve))
        except FileExistsError as error:
            raise InputError(svg, "there is such a file", "name a new one") from error
        except OSError as error:
            raise InputError(
                svg, f"cannot be written: {error.strerror or error}", "check the path"
            ) from error
    return curve


def draw(curve: Curve) -> str:
    """Return the losses over the steps as an SVG document."""
    found = [point.loss for point in curve.points] or [0.0]
    low, high = min(found), max(found)
    high = high if high > low else low + 1

    def across(step: float) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * step / max(curve.of, 1), 1)

    def up(loss: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * (loss - low) / (high - low), 1)

    title = escape(f"{curve.model}: loss over {curve.steps:,} of {curve.of:,} steps")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" {_FONT}>',
        f"<title>{title}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="24" font-size="15">{title}</text>',
    ]
    for tick in range(_TICKS):
        share = tick / (_TICKS - 1)
        loss, step = low + (high - low) * share, round(curve.of * share)
        parts += [
            f'<line x1="{_LEFT}" x2="{_RIGHT}" y1="{up(loss)}" y2="{up(loss)}" stroke="{_GRID}"/>',
            f'<text x="{_LEFT - 8}" y="{up(loss) + 4}" text-anchor="end">{loss:.3g}</text>',
            f'<text x="{across(step)}" y="{_BOTTOM + 20}" text-anchor="middle">{step:,}</text>',
        ]
    path = " ".join(f"{across(point.step)},{up(point.loss)}" for point in curve.points)
    parts += [
        f'<polyline points="{path}" fill="none" stroke="{_LINE}" stroke-width="2"/>',
        f'<text x="{(_LEFT + _RIGHT) // 2}" y="{_BOTTOM + 40}" text-anchor="middle">step</text>',
        f'<text x="{_LEFT - 8}" y="{_TOP - 10}" text-anchor="end">loss</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _parsed(model: str, stored: dict[str, Any]) -> Curve:
    try:
        points = [
            Point(int(point["step"]), float(point["loss"]), float(point["learning_rate"]))
            for point in stored["points"]
        ]
        return Curve(model, int(stored["steps"]), int(stored["of"]), points)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(CURVE, f"is no loss curve: {error!r}", "the model is damaged") from error
