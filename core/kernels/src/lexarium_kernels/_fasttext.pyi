from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

class Words:
    def __init__(
        self,
        bytes: NDArray[np.uint8],  # noqa: A002  as the compiled function has it
        offsets: NDArray[np.int64],
        slots: NDArray[np.uint32],
    ) -> None: ...

class Codes:
    def __init__(
        self,
        codes: NDArray[np.uint8],
        centroids: NDArray[np.float32],
        norm_codes: NDArray[np.uint8] | None,
        norms: NDArray[np.float32] | None,
        dim: int,
        per_part: int,
    ) -> None: ...

class Buckets:
    def __init__(
        self,
        rows: NDArray[np.float32] | None,
        codes: Codes | None,
        first: int,
        ids: NDArray[np.int64] | None,
        count: int,
        pruned: bool,
    ) -> None: ...

class Model:
    def __init__(
        self,
        words: Words,
        vectors: NDArray[np.float32],
        sizes: NDArray[np.int32],
        buckets: Buckets,
        shortest: int,
        longest: int,
        run: int,
    ) -> None: ...
    def from_grams(self, words: Sequence[str], threads: int) -> NDArray[np.float32]: ...
    def pool(
        self,
        texts: Sequence[str],
        pooling: str,
        split: str,
        lowercase: bool,
        label_prefix: str,
        weights: NDArray[np.float32] | None,
        unknown: float,
        per_token: bool,
        threads: int,
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]: ...
    def scores(self, texts: Sequence[str], label_prefix: str, threads: int) -> NDArray[np.float64]: ...

def word_means(
    words: Words,
    rows: NDArray[np.float32] | None,
    buckets: Buckets,
    shortest: int,
    longest: int,
    threads: int,
) -> tuple[NDArray[np.float32], NDArray[np.int32]]: ...
def hash(word: str) -> int: ...  # noqa: A001
def ngrams(word: str, shortest: int, longest: int, count: int) -> NDArray[np.int64]: ...
def runs(words: Sequence[str], longest: int, count: int) -> NDArray[np.int64]: ...
