from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from longread.models.sse import EventLines


@given(
    st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1)),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([1, 2]),
    st.booleans(),
    st.data(),
)
def test_any_cut_gives_the_same_events(
    payloads: list[str], newline: str, newlines: int, space: bool, data: st.DataObject
) -> None:
    field = "data: " if space else "data:"
    events = [f": ping{newline}event: x{newline}{field}{payload}" for payload in payloads]
    stream = (newline * newlines).join(events).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=9)))
    lines = EventLines()
    found = [
        event
        for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        for event in lines.feed(stream[a:b])
    ]
    assert found + lines.finish() == payloads
