"""The heap of waits: order, ties, waits given up, and no leak."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fenix_simulator.adapters.timer_heap import TimerHeap, Wait
from fenix_simulator.domain.messages import TimerKind


def make(timer: int) -> Wait:
    return Wait("session", timer, TimerKind.WINDOW, 0.0)


@given(st.lists(st.one_of(st.integers(0, 20), st.just("pop"), st.just("discard")), max_size=200), st.randoms())
def test_heap_pops_by_due_time_then_by_push_order(steps: list[int | str], random: object) -> None:
    """Against a sorted list: any mix of pushes, pops and discards."""
    heap: TimerHeap[float] = TimerHeap()
    model: list[tuple[float, int, Wait]] = []
    for number, step in enumerate(steps):
        if isinstance(step, int):
            wait = make(number)
            heap.push(float(step), wait)
            model.append((float(step), number, wait))
        elif step == "pop":
            expected = min(model, default=None)
            assert heap.earliest() == (expected[0] if expected else None)
            assert heap.pop() is (expected[2] if expected else None)
            if expected:
                model.remove(expected)
        elif model:
            gone = random.choice(model)  # type: ignore[attr-defined]
            model.remove(gone)
            gone[2].end()
        assert {wait.timer for wait in heap} == {entry[1] for entry in model}


def test_waits_that_are_given_up_do_not_pile_up() -> None:
    """With ten waits running, a hundred thousand that are started and stopped leave a small heap."""
    heap: TimerHeap[float] = TimerHeap()
    running = [make(number) for number in range(10)]
    for wait in running:
        heap.push(1e9, wait)
    for number in range(100_000):
        wait = make(number)
        heap.push(float(number), wait)
        wait.end()
        assert len(heap) < 200
    assert {wait.timer for wait in heap} == {wait.timer for wait in running}


def test_a_wait_can_move_to_another_heap() -> None:
    """Its dead entry in the first heap never brings it up there."""
    first: TimerHeap[float] = TimerHeap()
    second: TimerHeap[float] = TimerHeap()
    wait = make(1)
    first.push(1.0, wait)
    first.discard(wait)
    second.push(2.0, wait)
    assert first.pop() is None
    assert second.pop() is wait
