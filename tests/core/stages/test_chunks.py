"""Work in chunks: every face once and in order, whatever room the device has."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from panini_core.options import DEFAULT_BATCH
from panini_core.stages import chunks
from panini_core.stages.chunks import default_batch, is_out_of_memory, run_in_chunks

CPU = torch.device("cpu")


def numbers(chunk: slice) -> Tensor:
    """One row for each face: its number."""
    return torch.arange(chunk.start, chunk.stop)[:, None]


def with_room(room: int, tried: list[int]) -> Callable[[slice], Tensor]:
    """Computes as `numbers` on a device that holds `room` faces; keeps the sizes it was given."""

    def compute(chunk: slice) -> Tensor:
        tried.append(chunk.stop - chunk.start)
        if tried[-1] > room:
            raise RuntimeError("MPS backend out of memory")
        return numbers(chunk)

    return compute


@given(count=st.integers(0, 40), batch=st.integers(1, 50), room=st.integers(1, 50))
def test_every_face_comes_once_and_in_order(count: int, batch: int, room: int) -> None:
    tried: list[int] = []
    told: list[tuple[int, int, list[int]]] = []
    results = run_in_chunks(
        with_room(room, tried),
        count,
        batch=batch,
        device=CPU,
        on_chunk=lambda done, total, result: told.append((done, total, result[:, 0].tolist())),
    )
    faces = [number for result in results for number in result[:, 0].tolist()]
    assert faces == list(range(count))
    assert max(tried, default=0) <= batch
    assert all(len(result) <= min(batch, room) for result in results)
    assert [chunk for _, _, chunk in told] == [result[:, 0].tolist() for result in results]
    assert all((done, total) == (chunk[-1] + 1, count) for done, total, chunk in told)


def test_what_was_too_much_once_is_not_tried_again() -> None:
    tried: list[int] = []
    run_in_chunks(with_room(3, tried), 14, batch=9, device=CPU)
    assert tried == [9, 5, 3, 3, 3, 3, 2]


def test_one_face_that_does_not_fit_is_the_devices_error() -> None:
    tried: list[int] = []
    with pytest.raises(RuntimeError, match="MPS backend out of memory"):
        run_in_chunks(with_room(0, tried), 5, batch=4, device=CPU)
    assert tried == [4, 2, 1]


def test_another_error_is_raised_at_once() -> None:
    tried: list[int] = []

    def compute(chunk: slice) -> Tensor:
        tried.append(chunk.stop - chunk.start)
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        run_in_chunks(compute, 5, batch=4, device=CPU)
    assert tried == [4]


def test_memory_is_given_back_when_the_failed_tensors_are_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failed: list[weakref.ref[Tensor]] = []
    given_back: list[torch.device] = []

    def compute(chunk: slice) -> Tensor:
        activations = torch.zeros(chunk.stop - chunk.start, 8)
        if len(activations) > 2:
            failed.append(weakref.ref(activations))
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        return numbers(chunk)

    def release(device: torch.device) -> None:
        gc.collect()
        assert failed[-1]() is None
        given_back.append(device)

    monkeypatch.setattr(chunks, "release_memory", release)
    run_in_chunks(compute, 4, batch=4, device=CPU)
    assert given_back == [CPU]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("out of memory")])
def test_the_callback_may_stop_the_work(error: BaseException) -> None:
    """Also with an error that would be lack of memory if the device had raised it."""
    tried: list[int] = []

    def stop(done: int, total: int, result: Tensor) -> None:
        raise error

    with pytest.raises(type(error)):
        run_in_chunks(with_room(9, tried), 6, batch=2, device=CPU, on_chunk=stop)
    assert tried == [2]


@pytest.mark.parametrize(
    ("device", "sizes"), [("cpu", [1, 1, 1]), ("cuda", [3]), ("mps", [3]), ("privateuseone", [3])]
)
def test_on_a_cpu_faces_go_one_by_one_unless_a_batch_is_chosen(
    device: str, sizes: list[int]
) -> None:
    assert default_batch(torch.device(device)) == (1 if device == "cpu" else DEFAULT_BATCH)
    tried: list[int] = []
    run_in_chunks(with_room(9, tried), 3, batch=None, device=torch.device(device))
    assert tried == sizes
    tried.clear()
    run_in_chunks(with_room(9, tried), 3, batch=2, device=torch.device(device))
    assert tried == [2, 1]


@pytest.mark.parametrize("batch", [0, -3])
def test_a_batch_below_one_is_refused(batch: int) -> None:
    with pytest.raises(ValueError, match=f"at least 1, got {batch}"):
        run_in_chunks(numbers, 4, batch=batch, device=CPU)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("CUDA out of memory. Tried to allocate 20.00 MiB", True),
        ("MPS backend out of memory (MPS allocated: 8 GB)", True),
        ("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes", True),
        ("DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes.", True),
        ("CUDA error: an illegal memory access was encountered", False),
        ("The size of tensor a (2) must match the size of tensor b (3)", False),
    ],
)
def test_every_devices_lack_of_memory_is_known(message: str, expected: bool) -> None:
    assert is_out_of_memory(RuntimeError(message)) is expected


def test_the_cpus_own_lack_of_memory_is_known() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(raised.value)
