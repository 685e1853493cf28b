from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from lexarium_compare.measure import folder_bytes, latency, peak_memory, throughput

if TYPE_CHECKING:
    from pathlib import Path


def test_predictions_come_in_the_order_of_the_texts_and_batches_of_at_most_32():
    sizes = []

    def predict(batch):
        sizes.append(len(batch))
        return [text.upper() for text in batch]

    texts = [f"t{i}" for i in range(71)]
    predicted, rate = throughput(predict, texts)
    assert predicted == [text.upper() for text in texts]
    assert set(sizes) == {32, 7}
    assert rate > 0


def test_latency_calls_with_one_text_at_a_time_and_at_most_200_different_ones():
    seen = set()

    def predict(batch):
        (text,) = batch
        seen.add(text)
        return batch

    p50, p95 = latency(predict, [str(i) for i in range(1000)])
    assert 0 < p50 <= p95
    assert len(seen) == 200
    assert {"0", "999"} <= seen


def test_the_bytes_of_a_folder_are_those_of_all_files_in_it(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c").write_bytes(b"123")
    assert folder_bytes(tmp_path) == 8


def test_the_peak_is_that_of_the_process_and_not_of_the_one_that_started_it():
    ballast = bytearray(300 * 2**20)
    code = "from lexarium_compare.measure import peak_memory; print(peak_memory())"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    own = peak_memory()
    assert own is not None
    assert own > len(ballast)
    assert int(child.stdout) < len(ballast)


def test_the_peak_stays_after_the_memory_is_given_back():
    code = (
        "from lexarium_compare.measure import peak_memory\n"
        "block = bytearray(200 * 2**20); del block\n"
        "print(peak_memory())"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert int(child.stdout) > 200 * 2**20
