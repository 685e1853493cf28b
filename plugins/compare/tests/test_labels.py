from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lexarium_compare.labels import Box, place, text_width

AREA = Box(60, 20, 870, 380)
_x = st.floats(60, 930)
_y = st.floats(20, 400)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(_x, _y), max_size=9),
    st.tuples(_x, _y),
    st.floats(0, 30),
)
def test_names_cover_neither_each_other_nor_a_point(
    spread: list[tuple[float, float]], middle: tuple[float, float], reach: float
):
    crowd = [(middle[0] + reach * i / 9, middle[1] - reach * i / 9) for i in range(9 - len(spread))]
    points = [*spread, *crowd]
    dots = [Box(x - 9, y - 9, 18, 18) for x, y in points]
    boxes = place(points, [(150.0, 18.0)] * len(points), area=AREA, solid=dots)
    for index, box in enumerate(boxes):
        assert box.within(AREA)
        assert not any(box.overlaps(dot) for dot in dots)
        assert not any(box.overlaps(other) for other in boxes[:index])


def test_a_lonely_name_stands_right_beside_its_point():
    (box,) = place([(400, 200)], [(100, 18)], area=AREA, solid=[Box(391, 191, 18, 18)])
    assert 400 < box.left < 425
    assert box.top < 200 < box.bottom


def test_a_name_at_the_right_edge_goes_to_the_left():
    (box,) = place([(925, 200)], [(100, 18)], area=AREA, solid=[Box(916, 191, 18, 18)])
    assert box.left < 916
    assert box.within(AREA)


def test_a_picture_without_room_still_places_every_name():
    boxes = place([(65, 25)] * 50, [(60, 18)] * 50, area=Box(60, 20, 100, 40))
    assert len(boxes) == 50


def test_a_chinese_name_is_as_wide_as_it_is_set():
    assert text_width("电影", 10) == 20
    assert text_width("il", 10) < text_width("mm", 10)
