from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

def pack(words: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]: ...
def build(
    bytes: NDArray[np.uint8],  # noqa: A002  as the compiled function has it
    offsets: NDArray[np.int64],
    slots: int,
    probes: int,
) -> tuple[NDArray[np.uint32], int, int, bool]: ...
def merge(
    vocabularies: Sequence[tuple[NDArray[np.uint8], NDArray[np.int64]]],
) -> tuple[NDArray[np.uint8], NDArray[np.int64], list[NDArray[np.int64]]]: ...

class Table:
    def __init__(
        self,
        bytes: NDArray[np.uint8],  # noqa: A002  as the compiled function has it
        offsets: NDArray[np.int64],
        slots: NDArray[np.uint32],
        probes: int,
    ) -> None: ...
    def find(self, words: Sequence[str]) -> NDArray[np.int64]: ...
