from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

def cooccurrence(
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    words: int,
    window: int,
    symmetric: bool,
    weighted: bool,
    threads: int,
    progress: Callable[[int], object] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]: ...
def tile(words: int, dim: int) -> int: ...

class Entries:
    def __init__(
        self,
        ids: NDArray[np.int32],
        offsets: NDArray[np.int64],
        words: int,
        window: int,
        symmetric: bool,
        weighted: bool,
        x_max: float,
        alpha: float,
        tile: int,
        seed: int,
        memory: int,
        folder: str,
        threads: int,
        progress: Callable[[int], object] | None = None,
    ) -> None: ...
    def __len__(self) -> int: ...
    @property
    def spilled(self) -> int: ...
    def order(
        self, seed: int, iteration: int
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]: ...

class Parameters:
    def __init__(
        self,
        words: NDArray[np.float32],
        contexts: NDArray[np.float32],
        word_squares: NDArray[np.float32],
        context_squares: NDArray[np.float32],
    ) -> None: ...
    def read(
        self,
        words: NDArray[np.float32],
        contexts: NDArray[np.float32],
        word_squares: NDArray[np.float32],
        context_squares: NDArray[np.float32],
    ) -> None: ...
    def train(
        self,
        entries: Entries,
        eta: float,
        clip: float,
        iteration: int,
        threads: int,
        seed: int,
        progress: Callable[[int], object] | None = None,
    ) -> float: ...
