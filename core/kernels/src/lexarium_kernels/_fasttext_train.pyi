from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Schedule: TypeAlias = tuple[float, float, int, int, int] | tuple[float, float, int, int, int, int]

class Texts:
    def __init__(
        self,
        ids: NDArray[np.int32],
        offsets: NDArray[np.int64],
        starts: NDArray[np.int64],
        rows: NDArray[np.int32],
        end: int,
    ) -> None: ...

class Loss:
    def __init__(self, name: str, counts: NDArray[np.int64], negative: int, exponent: float) -> None: ...

class Runs:
    def __init__(
        self, longest: int, hashes: NDArray[np.uint32], row_of_bucket: NDArray[np.int32]
    ) -> None: ...

def learn_words(
    texts: Texts,
    keep: NDArray[np.float32],
    loss: Loss,
    input: NDArray[np.float32],  # noqa: A002  as the compiled function has it
    output: NDArray[np.float32],
    cbow: bool,
    window: int,
    schedule: Schedule,
    progress: Callable[[int], None] | None,
) -> None: ...
def learn_labels(
    texts: Texts,
    runs: Runs,
    labels: NDArray[np.int32],
    label_offsets: NDArray[np.int64],
    loss: Loss,
    input: NDArray[np.float32],  # noqa: A002
    output: NDArray[np.float32],
    schedule: Schedule,
    progress: Callable[[int], None] | None,
) -> None: ...
def ngrams(
    bytes: NDArray[np.uint8],  # noqa: A002
    offsets: NDArray[np.int64],
    shortest: int,
    longest: int,
    buckets: int,
) -> tuple[NDArray[np.int64], NDArray[np.uint32]]: ...
def hashes(bytes: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.uint32]: ...  # noqa: A002
def used_buckets(
    texts: Texts, hashes: NDArray[np.uint32], longest: int, buckets: int
) -> NDArray[np.uint8]: ...
