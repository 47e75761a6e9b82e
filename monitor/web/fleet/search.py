"""Finding lifts by whatever people call them: codes, places, units, in both languages, in pinyin.

Every word there is stands once in a block of bytes, whatever the number of lifts that carry it;
a query is looked for in the whole block at once and then handed to the lifts by index.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pypinyin import lazy_pinyin

from config.text import Text
from devices.registry import short_name
from monitor.web.fleet.roster import Roster

Packed = NDArray[np.int32]
"""score × 32 + field × 4 + form of each lift, so that the least of two is the better one."""
PACK, NONE = 32, 1 << 24
FIELDS = (
    "rescue_code", "reg_code", "place", "name", "use_unit", "maintenance", "street_office",
)  # fmt: skip
"""In order of weight: what people most likely mean comes first."""
FORMS = ("text", "pinyin", "initials")
_EXACT, _BEGINS, _WORD, _INSIDE = 0, 20, 40, 60
_OF_FORM = np.array((0, 3, 6))
_HAN = re.compile(r"[㐀-鿿豈-﫿]+")
_WORDS = re.compile(r"[a-z]+|\d+|[^\sa-z\d]")


@lru_cache(maxsize=65_536)
def _syllables(run: str) -> tuple[str, ...]:
    """Return the pinyin of a run of Chinese characters, read as words (重庆 is chóngqìng)."""
    return tuple(lazy_pinyin(run))


def spelt(text: str) -> tuple[list[str], list[str]]:
    """Return the syllables of a text and their initials; digits and letters stay as they are."""
    whole: list[str] = []
    first: list[str] = []
    at = 0
    for run in _HAN.finditer(text):
        rest = _WORDS.findall(text[at : run.start()])
        sounds = _syllables(run.group())
        whole += [*rest, *sounds]
        first += [*rest, *(sound[0] for sound in sounds)]
        at = run.end()
    rest = _WORDS.findall(text[at:])
    return whole + rest, first + rest


@dataclass(frozen=True, slots=True)
class Match:
    """A lift that fits: its place in the roster, a score (0 is best), what matched and how."""

    at: int
    score: int
    field: str
    form: str


class _Field:
    """All different values of one field as lines of one block of bytes."""

    def __init__(self, values: Iterable[str | Text], of_lift: NDArray[np.int32]) -> None:
        self.of_lift = of_lift
        block = bytearray()
        begins: list[int] = []  # where a word begins, byte by byte
        starts, owner, form = [], [], []
        self.count = 0
        for number, value in enumerate(values):
            self.count = number + 1
            for kind, words, glue in _lines(value):
                starts.append(len(block))
                owner.append(number)
                form.append(kind)
                for word in words:
                    begins.append(len(block))
                    block += word.encode() + glue
                if glue and words:
                    del block[-1]
                block += b"\n"
        starts.append(len(block))
        self.block = np.frombuffer(bytes(block), np.uint8)
        self.begins = np.zeros(len(block) + 1, np.bool_)
        self.begins[begins] = True
        self.starts = np.array(starts, np.int64)
        self.owner, self.form = np.array(owner, np.int32), np.array(form, np.int8)

    def scores(self, needle: str) -> Packed:
        """Return each lift's best score with the form that gave it, packed; NONE where none."""
        raw = needle.encode()
        at = _find(self.block, raw)
        best = np.full(self.count, NONE, np.int32)
        if len(at):
            line = np.searchsorted(self.starts, at, "right") - 1
            form, word = self.form[line], self.begins[at]
            begin = at == self.starts[line]
            whole = begin & (at + len(raw) == self.starts[line + 1] - 1)
            score = np.where(word, _WORD, _INSIDE)
            score[begin], score[whole] = _BEGINS, _EXACT
            score += np.take(_OF_FORM, form)
            # a syllable is heard from its beginning: `an` is not in `lan`
            fits = (form != 1) | word
            packed = (score * PACK + form)[fits].astype(np.int32)
            owner = self.owner[line[fits]]  # rises: lines stand in the order of their values
            if len(owner):
                first = np.flatnonzero(np.diff(owner, prepend=-1))
                best[owner[first]] = np.minimum.reduceat(packed, first)
        return best[self.of_lift]


class _Codes:
    """Codes of digits, one for each lift: by their beginning, by their end, else anywhere."""

    def __init__(self, values: Sequence[str]) -> None:
        self.n = len(values)
        self.words = np.array([x.casefold().encode() for x in values] or [b""])
        self.order = np.argsort(self.words, kind="stable")
        self.sorted = self.words[self.order]
        turned = np.array([x.casefold().encode()[::-1] for x in values] or [b""])
        self.back = np.argsort(turned, kind="stable")
        self.turned = turned[self.back]

    def scores(self, needle: str) -> Packed:
        """Return each lift's best score, packed; NONE where none."""
        raw = needle.encode()
        best = np.full(self.n, NONE, np.int32)
        if not self.n:
            return best
        if len(raw) >= 3:  # people read out the last digits; two of them say nothing
            best[self.back[_range(self.turned, raw[::-1])]] = _WORD * PACK
        begins = self.order[_range(self.sorted, raw)]
        best[begins] = _BEGINS * PACK
        if len(begins):
            best[begins[self.words[begins] == raw]] = _EXACT * PACK
        if len(raw) >= 4 and not (best < NONE).any():
            best[np.char.find(self.words, raw) >= 0] = _INSIDE * PACK
        return best


def _range(values: NDArray[np.bytes_], begin: bytes) -> slice:
    """Return where sorted values begin so."""
    if len(begin) > values.dtype.itemsize:
        return slice(0, 0)
    lo = np.searchsorted(values, np.array(begin, values.dtype))
    past = np.array(begin.ljust(values.dtype.itemsize, b"\xff"), values.dtype)
    return slice(int(lo), int(np.searchsorted(values, past, "right")))


def _lines(value: str | Text) -> Iterator[tuple[int, list[str], bytes]]:
    """Yield (form, words, what stands between them) of a value."""
    texts = [value] if isinstance(value, str) else [value.zh, *({value.en} - {value.zh})]
    for text in texts:
        folded = text.casefold()
        if folded.isascii() and " " in folded:
            yield 0, folded.split(), b" "
        else:
            yield 0, [part for part in _WORDS.findall(folded) if part], b""
        if _HAN.search(folded):
            whole, first = spelt(folded)
            yield 1, whole, b""
            yield 2, first, b""


def _find(block: NDArray[np.uint8], needle: bytes) -> NDArray[np.int64]:
    """Return every place of a needle in a block."""
    if not needle or len(needle) > len(block):
        return np.empty(0, np.int64)
    span = len(block) - len(needle) + 1
    # the last byte differs most: the first of a Chinese character is nearly always the same
    order = sorted(range(len(needle)), key=lambda i: (needle[i] >= 0xE0, -i))
    first = order[0]
    at = np.flatnonzero(block[first : first + span] == needle[first])
    for i in order[1:]:
        if not len(at):
            break
        at = at[block[at + i] == needle[i]]
    return at.astype(np.int64)


class SearchIndex:
    """The words of one roster."""

    def __init__(self, roster: Roster) -> None:
        self.roster = roster
        lifts = roster.lifts
        self._fields: dict[str, _Field | _Codes] = {
            "rescue_code": _Codes([x.rescue_code for x in lifts]),
            "reg_code": _Codes([x.reg_code for x in lifts]),
            "place": _shared([x.place for x in lifts]),
            "name": _shared([short_name(x.place, x.name) for x in lifts]),
        }
        for unit in ("use_unit", "maintenance", "street_office"):
            names = [group.name for group in roster.groups[unit]]
            self._fields[unit] = _Field(names, roster.of_group[unit])

    def find(
        self, query: str, mask: NDArray[np.bool_], limit: int, skip: int = 0
    ) -> tuple[list[Match], int]:
        """Return `limit` of the lifts of a mask after the best `skip`, and how many fit at all.

        Words of the query are looked for one by one, each in any field; a lift fits by all of
        them. Equal ones stand in the roster's order.
        """
        n = len(self.roster)
        total, lead = np.zeros(n, np.int32), None
        fits = mask.copy()
        for word in _terms(query):
            best = self._term(word)
            fits &= best < NONE
            total += best // PACK
            lead = best if lead is None else lead  # the longest word is what matched
        at, wanted = np.flatnonzero(fits), skip + limit
        near = at
        if 0 < wanted < len(at):
            near = at[total[at] <= np.partition(total[at], wanted - 1)[wanted - 1]]
        best_first = near[np.argsort(total[near], kind="stable")][skip:wanted]
        found = []
        for i in best_first.tolist():
            field, form = (0, 0) if lead is None else divmod(int(lead[i]) % PACK, 4)
            found.append(Match(i, int(total[i]), FIELDS[field], FORMS[form]))
        return found, len(at)

    def fits(self, query: str, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return bool[N]: the lifts of a mask that fit a query."""
        found = mask.copy()
        for word in _terms(query):
            found &= self._term(word) < NONE
        return found

    def _term(self, word: str) -> Packed:
        best = np.full(len(self.roster), NONE, np.int32)
        for number, name in enumerate(FIELDS):
            # what stands earlier in FIELDS wins between equals: its number is part of the score
            mine = self._fields[name].scores(word) + number * (PACK + 4)
            np.minimum(best, mine, out=best)
        return np.minimum(best, NONE)


def _shared(values: Sequence[str]) -> _Field:
    """Return the field of values that many lifts share."""
    known = {value: i for i, value in enumerate(dict.fromkeys(values))}
    of_lift = np.fromiter((known[value] for value in values), np.int32, len(values))
    return _Field(known, of_lift)


def _terms(query: str) -> list[str]:
    """Return the words of a query, folded, the longest first."""
    words = query.casefold().replace("'", "").split()
    return sorted(words[:8], key=len, reverse=True)
