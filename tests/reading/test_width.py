"""How many chunks are asked at once."""

from longread.reading.strategies.width import Width


def read(width: Width, replies: int, capacity: int, every: int = 0) -> None:
    """Replies of a server that works on `capacity` requests at once; every so many change the notes."""
    done = 0
    while done < replies:
        together = width.value
        for _ in range(together):
            done += 1
            width.took(max(1.0, together / capacity), together)
            width.saw(changed=bool(every) and done % every == 0)


def test_it_grows_to_the_most_where_the_server_has_room_and_nothing_changes() -> None:
    width = Width(16)
    read(width, 200, capacity=64)
    assert width.value == 16


def test_it_stays_within_what_the_server_works_on() -> None:
    width = Width(64)
    read(width, 60, capacity=4)
    assert 2 <= width.value <= 8
    alone = Width(64)
    read(alone, 60, capacity=1)
    assert alone.value == 1


def test_it_tries_again_after_a_while() -> None:
    width = Width(64)
    read(width, 60, capacity=1)
    read(width, 1_000, capacity=64)
    assert width.value > 16


def test_it_falls_as_changes_become_common() -> None:
    rare, common, dense = Width(64), Width(64), Width(64)
    read(rare, 1_000, capacity=64, every=20)
    read(common, 1_000, capacity=64, every=4)
    read(dense, 1_000, capacity=64, every=1)
    assert 10 <= rare.value <= 20
    assert 3 <= common.value <= 5
    assert dense.value == 1


def test_one_is_never_exceeded() -> None:
    width = Width(1)
    read(width, 300, capacity=64)
    assert width.value == 1
