from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_Rows: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]
_FloatRows: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]

class Learner:
    def __init__(
        self,
        analyzer: str,
        rule: str,
        lowercase: bool,
        shortest: int,
        longest: int,
        threads: int,
        stop_words: Sequence[str],
        rows: bool,
        prune_at: int,
        most: int = ...,
    ) -> None: ...
    def add(self, texts: Sequence[str], offsets: NDArray[np.int64] | None = None) -> None: ...
    def add_lines(self, block: bytes) -> int: ...
    def finish(
        self,
    ) -> tuple[
        NDArray[np.uint8],
        NDArray[np.int64],
        NDArray[np.int64],
        NDArray[np.int64],
        NDArray[np.float64],
        _Rows,
    ]: ...

class Counter:
    def __init__(
        self,
        analyzer: str,
        rule: str,
        lowercase: bool,
        shortest: int,
        longest: int,
        threads: int,
        stop_words: Sequence[str],
        bytes: NDArray[np.uint8],  # noqa: A002  as the compiled function has it
        offsets: NDArray[np.int64],
        most: int = ...,
    ) -> None: ...
    def count(self, texts: Sequence[str], offsets: NDArray[np.int64] | None = None) -> _FloatRows: ...

class Hasher:
    def __init__(
        self,
        analyzer: str,
        rule: str,
        lowercase: bool,
        shortest: int,
        longest: int,
        threads: int,
        stop_words: Sequence[str],
        columns: int,
        alternate_sign: bool,
        most: int = ...,
    ) -> None: ...
    def count(self, texts: Sequence[str], offsets: NDArray[np.int64] | None = None) -> _FloatRows: ...
