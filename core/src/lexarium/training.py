"""What a method's training and file functions look like: raw text or foreign files in, an embedder out.

A method's descriptor names them (:class:`lexarium.method.Method`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lexarium.compose import Pipeline
    from lexarium.roles import Corpus, Run, StoredEmbedder
    from lexarium.tables import Labelled

__all__ = ["Adopt", "Fit", "FitLabelled", "Merge", "Reader", "Update", "Writer"]


class Fit(Protocol):
    """Training: raw text in, an embedder out; so nothing is ever half-fitted.

    Where the texts hold their own labels (fastText's training files), it is a pipeline that comes out.
    """

    def __call__(self, corpus: Corpus, config: Any, run: Run) -> StoredEmbedder | Pipeline:  # noqa: ANN401  each method's own
        """Train on ``corpus`` (iterated as often as needed).

        :raises DataError: the corpus has nothing to learn from.
        """
        ...


class FitLabelled(Protocol):
    """Training on labels: texts with a label each in, an embedder or a whole pipeline out."""

    def __call__(self, rows: Labelled, config: Any, run: Run) -> StoredEmbedder | Pipeline:  # noqa: ANN401
        """Train on ``rows``.

        :raises DataError: the rows have nothing to learn from.
        :raises ConfigError: with these settings the method does not learn from labels.
        """
        ...


class Reader(Protocol):
    """Import: a foreign file in, an embedder out."""

    def __call__(
        self,
        path: Path,
        config: Any,  # noqa: ANN401
        corpus: Corpus | None,
        run: Run,
    ) -> StoredEmbedder | Pipeline:
        """Read ``path``; ``corpus``, where given, is text to estimate word weights from.

        :raises FormatError: names file and line of what breaks the format.
        """
        ...


class Adopt(Protocol):
    """Recognising: the files of a foreign repository in, those that the method's reader needs out."""

    def __call__(self, listing: Mapping[str, int], config: Mapping[str, Any]) -> Sequence[str] | None:
        """Return the paths to fetch, None where the method does not read this repository.

        ``listing`` has the size in bytes of every file, by path; ``config`` is what ``config.json`` says,
        empty where there is none. Both come from strangers; nothing has been fetched yet.

        :raises CheckpointError: it is of the method's kind, and refused before anything is fetched.
        """
        ...


class Update(Protocol):
    """Going on: a trained embedder and new text in, another embedder out; the old one stays as it is."""

    def __call__(self, model: Any, corpus: Corpus, config: Any, run: Run) -> StoredEmbedder:  # noqa: ANN401
        """Train ``model`` on with ``corpus``; ``config`` is its own with what the user changes.

        :raises DataError: the corpus has nothing to learn from.
        :raises ConfigError: a setting cannot change any more.
        :raises UnsupportedError: the model does not hold what training would go on from.
        """
        ...


class Merge(Protocol):
    """Joining: embedders that learned from parts of a corpus in, the one of the whole corpus out."""

    def __call__(self, models: Sequence[Any], settings: Mapping[str, Any]) -> StoredEmbedder:
        """Join ``models``, in this order; ``settings`` change those of the models where they can.

        :raises ConfigError: the settings of the models do not go together.
        :raises UnsupportedError: a model does not hold what joining needs.
        """
        ...


class Writer(Protocol):
    """Export: an embedder in, a file of a foreign format out."""

    def __call__(self, model: Any, path: Path, run: Run) -> None:  # noqa: ANN401
        """Write ``path``, which core has found free: all of it, or nothing.

        :raises UnsupportedError: the format cannot hold this model.
        """
        ...
