"""Places of the paper as people write them: "eq. (7), Fig. 3.1", "Algorithms 1 and 2", "eqs. (9) to (12)"."""

from __future__ import annotations

import re

# As written, singular or plural -> as the ledger spells it.
KINDS = {
    "eq.": "eq.",
    "equation": "eq.",
    "def.": "Def.",
    "definition": "Def.",
    "prop.": "Prop.",
    "proposition": "Prop.",
    "remark": "Remark",
    "algorithm": "Algorithm",
    "table": "Table",
    "fig.": "Fig.",
    "figure": "Fig.",
}
_NUMBER = r"\(\d+\)|[A-D]\.\d+|\d+(?:\.\d+)?"
_PLACE = re.compile(
    r"(?<![\w])(?P<kind>eqs?\.|equations?|Defs?\.|definitions?|Props?\.|propositions?|remarks?|algorithms?"
    rf"|tables?|Figs?\.|figures?)\s+(?P<numbers>(?:{_NUMBER})(?:(?:,\s+(?:and\s+)?|\s+and\s+|\s+to\s+)(?:{_NUMBER}))*)",
    re.IGNORECASE,
)
_STEP = re.compile(rf"(?P<to>\s+to\s+)?(?P<number>{_NUMBER})")


def places(text: str) -> list[str]:
    """All of them in a text, in order and each once: ``["eq. (7)", "Fig. 3.1"]``."""
    found: list[str] = []
    for match in _PLACE.finditer(text):
        written = match["kind"].lower()
        kind = KINDS.get(written) or KINDS[re.sub(r"s(\.?)$", r"\1", written)]
        previous = None
        for step in _STEP.finditer(match["numbers"]):
            number = step["number"]
            between = _between(previous, number) if step["to"] else []
            for each in [*between, number]:
                place = f"{kind} {_spelt(kind, each)}"
                if place not in found:
                    found.append(place)
            previous = number
    return found


def _between(first: str | None, last: str) -> list[str]:
    """The numbers that "(8) to (12)" leaves out; nothing where they are not plain."""
    ends = [re.fullmatch(r"\(?(\d+)\)?", number or "") for number in (first, last)]
    if not all(ends):
        return []
    low, high = (int(end[1]) for end in ends if end)
    return [f"({n})" for n in range(low + 1, high)]


def _spelt(kind: str, number: str) -> str:
    """Equations, and only they, have parentheses."""
    bare = number.strip("()")
    return f"({bare})" if kind == "eq." else bare
