import numpy as np
from numpy.typing import NDArray

def candidates(
    vectors: NDArray[np.float32],
    inverse: NDArray[np.float32],
    units: NDArray[np.float32],
    keep: NDArray[np.int64],
    margin: float,
    threads: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None: ...
