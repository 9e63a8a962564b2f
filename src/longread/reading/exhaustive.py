"""Questions that only the whole text answers, as far as their words tell.

Words tell much in English and less in other languages, so nothing is left unread for want of them: ending early is
what a user asks for.
"""

from __future__ import annotations

import re

_GATHERS = (
    r"\b(?:how (?:many|much|often|frequently)|number of|count|total|sum|average|mean|median|percent\w*|share of"
    r"|all|every|each|list|enumerate|name the"
    r"|combien|tous|toutes|chaque|liste\w*|wie ?(?:viele?|oft)|alle\w*|jede\w*|nenne\w*|zähle\w*"
    r"|cu[aá]nt[oa]s|todos|todas|cada|quant[ei]|tutt[ie]|ogni|quant[oa]s|hoeveel|elke|сколько|все[хм]?|кажд\w+)\b"
    r"|多少|几[个次位艘本名条张]|所有|全部|每[个次]|列出|哪些|总[共结计]|いくつ|何[人個回件隻冊枚]|すべて|全て|一覧|몇|모든|كم|جميع"
)
_COMPARES = (
    r"\b(?:any|which (?:of|is|are|\w+s)|who (?:are|were)|what are|\w{3,}est|most|least|fewest|more|less|fewer"
    r"|first|last|latest|earliest|oldest|newest|final\w*|current\w*|now|today|recent\w*|still"
    r"|largest|smallest|biggest|highest|lowest|longest|shortest|greatest|maximum|minimum"
    r"|order|sequence|chronolog\w*|before|after|since|until|timeline|rank\w*|sort\w*"
    r"|summar\w*|overview|compare|contrast|differ\w*|themes?|throughout|overall|never|always|only"
    r"|dernier\w*|premier\w*|quel(?:le)?s|zuletzt|zuerst|welche|últim[oa]|primer[oa]?|qu[eé] \w+s|cuáles)\b"
    r"|最[后早新多少大小高低後初]|第一|概括|顺序|比较|順|まとめ|比較"
)
_gathers = re.compile(_GATHERS, re.IGNORECASE)
_exhaustive = re.compile(f"{_GATHERS}|{_COMPARES}", re.IGNORECASE)


def gathers(question: str) -> str | None:
    """The words by which a question asks to count or list, each instance by itself; None if there are none."""
    match = _gathers.search(question)
    return match[0] if match else None


def exhaustive(question: str) -> bool:
    """Whether a question counts, lists, orders or compares, so that what was not read could change the answer."""
    return _exhaustive.search(question) is not None
