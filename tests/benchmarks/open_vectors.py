"""Open stored vectors, get the first one, print what it took: one fresh process per measurement."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def resident() -> int:
    """Return this process's resident memory in bytes (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Prepare gensim's file, or measure one of the two."""
    who, where = sys.argv[1:3]
    if who == "prepare":
        prepare(Path(where), Path(sys.argv[3]))
        return
    if who == "lexarium":
        from lexarium.compose import put_together  # noqa: F401  imports are not measured
        from lexarium.zoo import Zoo
        from lexarium_glove.embedder import Glove  # noqa: F401  as above
        from lexarium_registry.store import LocalStore  # noqa: F401  as above

        zoo = Zoo(where)
        _ = zoo.host
        before, begin = resident(), time.perf_counter()
        model = zoo.load("glove")
        vector = model.words["the"]
    else:
        from gensim.models import KeyedVectors

        before, begin = resident(), time.perf_counter()
        model = KeyedVectors.load(where, mmap="r")
        vector = model["the"]
    taken, added = time.perf_counter() - begin, resident() - before
    del model  # and not earlier: what it holds is what was measured
    if len(vector) != 50:
        raise SystemExit("not the vector that was stored")
    print(json.dumps({"milliseconds": taken * 1000, "megabytes": added / 1e6}))


def prepare(source: Path, target: Path) -> None:
    """Store the same vectors as gensim stores them."""
    import numpy as np
    from gensim.models import KeyedVectors
    from pyarrow import parquet

    vectors = np.load(source / "glove_6B_50d_emb.npy")
    words = parquet.read_table(source / "glove_6B_index.parquet")["index"].to_pylist()
    keyed = KeyedVectors(vectors.shape[1])
    keyed.add_vectors(words, vectors)
    keyed.save(str(target))


if __name__ == "__main__":
    main()
