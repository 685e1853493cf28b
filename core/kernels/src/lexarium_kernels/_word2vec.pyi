from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

class Options:
    skip_gram: bool
    hierarchical: bool
    negative: int
    ns_exponent: float
    mean: bool
    window: int
    shrink_windows: bool
    sample: float
    alpha: float
    min_alpha: float
    epochs: int
    threads: int
    seed: int
    shared_words: int
    def __init__(self) -> None: ...

def train(
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    counts: NDArray[np.int64],
    options: Options,
    vectors: NDArray[np.float32],
    context: NDArray[np.float32] | None,
    nodes: NDArray[np.float32] | None,
    tree: NDArray[np.int32] | None,
    progress: Callable[[int], object] | None,
) -> NDArray[np.float64]: ...
