"""Lines and spots in columns, against all the points they stand for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ml4t.live.report.sampling import Axis, Line, Spots

POINTS = st.lists(st.tuples(st.integers(0, 10_000), st.floats(-1e6, 1e6)), min_size=1, max_size=300)


@given(POINTS, st.integers(1, 50))
def test_every_column_keeps_its_lowest_and_highest_and_its_ends(points, columns):
    axis = Axis(0, 10_000, columns)
    line = Line(axis)
    for time, value in points:
        line.add(time, value)
    kept = line.points()
    assert line.count == len(points)
    assert kept == sorted(kept)
    assert set(kept) <= set(points)
    for place in range(columns):
        all_here = [point for point in points if axis.place(point[0]) == place]
        kept_here = [point for point in kept if axis.place(point[0]) == place]
        assert len(kept_here) <= 4
        assert bool(all_here) == bool(kept_here)
        for pick in (min, max):
            for part in (0, 1):
                assert pick((p[part] for p in all_here), default=None) == pick((p[part] for p in kept_here), default=None)


def test_few_points_are_drawn_as_they_are():
    line = Line(Axis(0, 1_000, 100))
    points = [(5, 1.0), (305, 3.0), (995, 2.0)]
    for time, value in reversed(points):
        line.add(time, value)
    assert line.points() == points


def test_a_line_of_a_million_points_keeps_four_to_a_column():
    line = Line(Axis(0, 1_000_000, 10))
    for time in range(1_000_000):
        line.add(time, float(time % 7))
    assert line.count == 1_000_000
    assert 30 <= len(line.points()) <= 40


def test_what_is_outside_counts_to_the_ends():
    axis = Axis(100, 200, 10)
    assert [axis.place(time) for time in (0, 100, 109, 110, 199, 200, 999)] == [0, 0, 0, 1, 9, 9, 9]
    assert Axis(5, 5, 10).place(5) == 0


def test_spots_are_stretches_of_columns():
    spots = Spots(Axis(0, 100, 10))
    for start, end in ((3, None), (12, None), (41, 58), (99, None)):
        spots.add(start, end)
    assert spots.spans() == [(0, 20), (40, 60), (90, 100)]
    assert spots.count == 4
