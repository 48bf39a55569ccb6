"""Which commit broke a check: the stretch between a good commit and a bad one, halved again and again."""

from collections.abc import Collection


def find_middle(good: int, bad: int, skipped: Collection[int]) -> int | None:
    """Return the place to check next between a good place and a bad one; None if none is left.

    It is the middle, or the nearest to it that could be checked.
    """
    middle = (good + bad) // 2
    for distance in range(bad - good):
        for place in (middle - distance, middle + distance):
            if good < place < bad and place not in skipped:
                return place
    return None
