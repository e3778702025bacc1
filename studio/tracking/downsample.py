"""Fewer points for the same picture: the smallest and the greatest value of every bucket stay, so no spike is lost."""

from collections.abc import Sequence


def min_max(steps: Sequence[float], values: Sequence[float], points: int) -> tuple[list[float], list[float]]:
    """At most `points` of the given points, in their order; first, last, overall minimum and maximum among them.

    The inner points are cut into buckets of equal count, and of each bucket the minimum and the maximum stay
    (the envelope that Grafana and the M4 aggregation of Jugel et al., VLDB 2014, draw). With fewer than 4 points
    asked for, 4 are given. Raises `ValueError` when the two sequences differ in length.
    """
    if len(steps) != len(values):
        raise ValueError(f"{len(steps)} steps and {len(values)} values")
    count = len(values)
    if count <= max(points, 4):
        return list(steps), list(values)
    inner, buckets = count - 2, max(1, (points - 2) // 2)
    kept = {0, count - 1}
    for bucket in range(buckets):
        start, stop = 1 + bucket * inner // buckets, 1 + (bucket + 1) * inner // buckets
        window = range(start, stop)
        if window:
            kept.add(min(window, key=values.__getitem__))
            kept.add(max(window, key=values.__getitem__))
    order = sorted(kept)
    return [steps[index] for index in order], [values[index] for index in order]
