"""What this distribution offers: the classifier, and the commands that train and use a head."""

from __future__ import annotations

from lexarium.hookspecs import hookimpl
from lexarium.method import Command, HeadMethod

__all__ = ["lexarium_commands", "lexarium_heads"]

_AT = "lexarium_heads"


@hookimpl
def lexarium_heads() -> list[HeadMethod]:
    """Return the heads."""
    summary = "logistic regression on frozen vectors, sparse or dense"
    head, config = f"{_AT}.classifier:Classifier", f"{_AT}.config:ClassifierConfig"
    return [HeadMethod(name="classifier", summary=summary, head=head, config=config)]


@hookimpl
def lexarium_commands() -> list[Command]:
    """Return the commands and their Python verbs."""
    verbs = (
        ("train", "Fit a task head on labelled rows; print before and after.", "training"),
        ("predict", "Label texts with a trained model.", "evaluation"),
        ("evaluate", "Score a trained model on rows, or word vectors.", "evaluation"),
    )
    return [Command(name=n, summary=s, command=f"{_AT}.cli:{n}", verb=f"{_AT}.{m}:{n}") for n, s, m in verbs]
