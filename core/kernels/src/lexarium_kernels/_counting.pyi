from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

class Learner:
    def __init__(
        self,
        word: bytes,
        min_length: int,
        shortest: int,
        longest: int,
        lowercase: bool,
        threads: int,
        stop_words: Sequence[str],
    ) -> None: ...
    def add(self, texts: Sequence[str]) -> None: ...
    def finish(
        self,
    ) -> tuple[
        NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]
    ]: ...

class Counter:
    def __init__(
        self,
        word: bytes,
        min_length: int,
        shortest: int,
        longest: int,
        lowercase: bool,
        threads: int,
        stop_words: Sequence[str],
        bytes: NDArray[np.uint8],  # noqa: A002  as the compiled function has it
        offsets: NDArray[np.int64],
    ) -> None: ...
    def count(
        self, texts: Sequence[str]
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]: ...
