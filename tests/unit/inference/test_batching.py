"""The line: first come first served, with company, and nobody waits for company."""

import threading

from studio.inference.batching import Line, Request


def filled(keys: str, max_batch: int = 32) -> Line:
    line = Line(max_batch)
    for number, key in enumerate(keys):
        line.put(Request(number, key))
    return line


def taken(line: Line) -> list[list[int]]:
    batches = []
    while len(line):
        batches.append([request.id for request in line.take()])
    return batches


def test_the_oldest_goes_first_with_its_company() -> None:
    assert taken(filled("abacab")) == [[0, 2, 4], [1, 5], [3]]


def test_a_batch_has_a_limit() -> None:
    assert taken(filled("aaaaab", max_batch=2)) == [[0, 1], [2, 3], [4], [5]]


def test_somebody_alone_is_taken_at_once() -> None:
    assert taken(filled("a")) == [[0]]


def test_whoever_left_is_not_taken() -> None:
    line = filled("aba")
    assert line.drop(0)
    assert not line.drop(0)
    assert taken(line) == [[1], [2]]


def test_taking_waits_for_a_request_and_ends_when_closed() -> None:
    line = Line()
    batches: list[list[Request]] = []

    def serve() -> None:
        while batch := line.take():
            batches.append(batch)

    server = threading.Thread(target=serve)
    server.start()
    line.put(Request(1, "a"))
    line.close()
    server.join(5)
    assert not server.is_alive()
