"""Which bytes of a data file, from `start` on, no acknowledged chunk uses."""

from collections.abc import Iterator


class Space:
    """Regions are [first, past). Everything from `end` on is free, and so are the `gaps` before it."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.end = start
        self.gaps: list[tuple[int, int]] = []

    def take(self, first: int, past: int) -> None:
        if first > self.end:
            self.gaps.append((self.end, first))
        gaps = []
        for gap_first, gap_past in self.gaps:
            if gap_past <= first or past <= gap_first:
                gaps.append((gap_first, gap_past))
                continue
            if gap_first < first:
                gaps.append((gap_first, first))
            if past < gap_past:
                gaps.append((past, gap_past))
        self.gaps = gaps
        self.end = max(self.end, past)

    def give(self, first: int, past: int) -> None:
        """A region that was taken before is used no more."""
        gaps = []
        for gap_first, gap_past in self.gaps:
            if gap_past == first:
                first = gap_first
            elif gap_first == past:
                past = gap_past
            else:
                gaps.append((gap_first, gap_past))
        if past == self.end:
            self.end = first
        else:
            gaps.append((first, past))
        self.gaps = sorted(gaps)

    def places(self, length: int) -> Iterator[int]:
        """Where `length` bytes would fit, lowest first; the last place is `end`."""
        for first, past in self.gaps:
            if past - first >= length:
                yield first
        yield self.end
