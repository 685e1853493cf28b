from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

class Pooler:
    def __init__(
        self,
        bytes: NDArray[np.uint8],  # noqa: A002  as the compiled function has it
        offsets: NDArray[np.int64],
        slots: NDArray[np.uint32],
        probes: int,
        vectors: NDArray[np.float32],
    ) -> None: ...
    def pool_texts(
        self,
        texts: Sequence[str],
        rule: str,
        lowercase: bool,
        weights: NDArray[np.float32] | None,
        per_token: bool,
        threads: int,
    ) -> NDArray[np.float32]: ...
    def pool_tokens(
        self,
        tokens: Sequence[str],
        ends: NDArray[np.int64],
        weights: NDArray[np.float32] | None,
        per_token: bool,
        threads: int,
    ) -> NDArray[np.float32]: ...
    def find_texts(
        self, texts: Sequence[str], rule: str, lowercase: bool, threads: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]: ...
