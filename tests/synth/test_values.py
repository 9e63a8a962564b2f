"""What texts state: quantities and dates, worked by hand, and what is refused."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longread.synth.values import Quantity, date, plain, quantity, written


@pytest.mark.parametrize(
    ("text", "number", "unit", "year"),
    [
        ("5", "5", "", None),
        ("2020", "2020", "", None),
        ("0.50", "0.5", "", None),
        ("12,345 sq km", "12345", "sq km", None),
        ("1,234,567 (2023 est.)", "1234567", "", 2023),
        ("1234567 (1999)", "1234567", "", 1999),
        ("5 (2019)", "5", "", 2019),
        ("31.4%", "31.4", "%", None),
        ("31.4% (2018 est.)", "31.4", "%", 2018),
        ("5% of GDP (2019)", "5", "% of GDP", 2019),
        ("$12.3 billion (2023 est.)", "12300000000", "$", 2023),
        ("$1,234.50 million", "1234500000", "$", None),
        ("-$5 thousand", "-5000", "$", None),
        ("€2 trillion", "2000000000000", "€", None),
        ("-3.25% (2020)", "-3.25", "%", 2020),
        ("41.2 years (2023 est.)", "41.2", "years", 2023),
        ("1.5 million sq km", "1500000", "sq km", None),
        ("80 km/h", "80", "km/h", None),
        ("arable land: 31.4%", "31.4", "%", None),
        ("total population: 77.1 years (2020 est.)", "77.1", "years", 2020),
        ("  <b>7</b> ", "7", "", None),
        ("10\u00a0km", "10", "km", None),
        ("10&nbsp;km", "10", "km", None),
        ("<p>3,000 m</p>", "3000", "m", None),
        ("-0 km", "0", "km", None),
        ("0.1 m", "0.1", "m", None),
    ],
)
def test_a_quantity_is_what_is_written(text: str, number: str, unit: str, year: int | None):
    assert quantity(text) == Quantity(Decimal(number), unit, year)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "km", "negligible", "NA", "about 5 km", "less than 5%", "5 km; 6 km", "5 - 6 km", "5-6 km", "5km",
        "1,23 km", "1,234,56", "1234,567", "5.", ".5 km", "5.5.5 km", "+5 km", "5 $", "5% 6%", "5%-6%", "−5 km",
        "5\nkm", "$", "x: y: 5 km", "5 km (2019 est.) and more; see 6", "1234567 (July 2021 est.)", "5 <6 km",
        "Belgium 556 km", "17 August 1960; 3",
    ],
)  # fmt: skip
def test_what_is_no_single_quantity_is_refused(text: str):
    assert quantity(text) is None


_TWO = ["5 km, 7 miles", "5 km 300 m", "10 km, 20 km total", "12 sq km (land 3 sq km)", "31 years 2 months",
        "1 million (2019) (2020)"]  # fmt: skip


@pytest.mark.parametrize("text", _TWO)
def test_two_numbers_are_no_quantity(text: str):
    assert quantity(text) is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("17 August 1960", (1960, 8, 17)),
        ("1 January 800", (800, 1, 1)),
        ("29 February 2000", (2000, 2, 29)),
        ("17 August 1960 (from France)", (1960, 8, 17)),
        ("17 August 1960, by treaty", (1960, 8, 17)),
        ("17 August 1960; also 1961", (1960, 8, 17)),
        ("<b>3 October 1990</b>", (1990, 10, 3)),
        (" 4 July 1776 ", (1776, 7, 4)),
        ("31 December 1999 (1998 is disputed)", (1999, 12, 31)),
    ],
)
def test_a_date_begins_its_text(text: str, day: tuple[int, int, int]):
    assert date(text) == datetime.date(*day)


@pytest.mark.parametrize(
    "text",
    [
        "", "1960", "August 1960", "17 August", "17 august 1960", "17 Aug 1960", "about 1 May 1960", "none",
        "29 February 1900", "31 June 1960", "0 May 1960", "32 May 1960", "1 May 000", "17 August 1960.",
        "1 May 1960; 2 June 1961", "1 May 1960 (from X); 1 May 1960", "17 August 1960-18 May 1961", "17  May 1960",
        "1960-08-17", "17 August 19600",
    ],
)  # fmt: skip
def test_what_is_no_single_date_is_refused(text: str):
    assert date(text) is None


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("5", "5"), ("5.0", "5"), ("5.10", "5.1"), ("100", "100"), ("1E+9", "1000000000"), ("1E-7", "0.0000001"),
        ("-3.250", "-3.25"), ("0", "0"), ("0.00", "0"), ("1.2345E+9", "1234500000"),
    ],
)  # fmt: skip
def test_numbers_are_written_plainly(number: str, text: str):
    assert written(Decimal(number)) == text


_NUMBERS = st.decimals(min_value=-(10**12), max_value=10**12, allow_nan=False, places=4)
_LIKE = st.text(alphabet="0123456789,.-$%() :;mk<>&u0aZestMayillion\n\u0663\u00a0", max_size=40)


@given(st.text() | _LIKE)
def test_no_text_raises(text: str):
    stated = quantity(text)
    if stated:
        assert written(stated.number)
    date(text)
    plain(text)


@given(_NUMBERS)
def test_a_written_number_is_read_again(number: Decimal):
    assert Decimal(written(number)) == number
    stated = quantity(f"{written(number)} km")
    assert stated is not None and (stated.number, stated.unit) == (number, "km")
