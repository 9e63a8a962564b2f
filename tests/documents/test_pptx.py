"""PowerPoint presentations made by python-pptx."""

import io
from pathlib import Path

import pptx
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.oxml import parse_xml
from pptx.util import Inches

from tests.support.office import one, package, parts, place, reason, strict, swapped

TITLE_AND_TEXT, TITLE_ONLY, BLANK = 1, 5, 6
PLACE = [Inches(1)] * 4


def saved(deck: pptx.presentation.Presentation) -> bytes:
    out = io.BytesIO()
    deck.save(out)
    return out.getvalue()


def slide(deck: pptx.presentation.Presentation, title: str = "", *lines: str) -> pptx.slide.Slide:
    """A slide with a title and a line of text each."""
    made = deck.slides.add_slide(deck.slide_layouts[TITLE_AND_TEXT])
    made.shapes.title.text = title
    made.placeholders[1].text = "\n".join(lines)
    return made


def test_slides_are_parts(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    for at in range(1, 13):
        slide(deck, f"Title {at}.", f"body of {at}.")
    document = one(tmp_path, "a.pptx", saved(deck))
    assert document.kind == "markdown" and not document.lined and not document.warnings
    assert document.text.startswith("# Title 1.\n\nbody of 1.\n\n# Title 2.\n")
    for at in range(1, 13):
        start = document.text.index(f"# Title {at}.")
        assert document.parts[at - 1] == (start, f"slide {at}")
        assert place(document, f"body of {at}.") == f"slide {at}"


def test_slides_come_in_the_order_of_the_show(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    for title in ("second", "third", "first"):
        slide(deck, title)
    order = deck.slides._sldIdLst
    order.insert(0, order[2])
    document = one(tmp_path, "a.pptx", saved(deck))
    assert document.text == "# first\n\n# second\n\n# third"
    assert place(document, "first") == "slide 1"


def test_levels_breaks_and_fields(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    frame = slide(deck, "T", "top", "deep", "one\vtwo").placeholders[1].text_frame
    frame.paragraphs[1].level = 2
    assert one(tmp_path, "a.pptx", saved(deck)).text == "# T\n\ntop\n    deep\none\ntwo"


def test_tables_groups_and_text_boxes(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    made = deck.slides.add_slide(deck.slide_layouts[BLANK])
    table = made.shapes.add_table(2, 3, *PLACE).table
    for at, word in enumerate(("item", "price", "a\nb", "wide", "", "7")):
        table.cell(at // 3, at % 3).text = word
    table.cell(1, 0).merge(table.cell(1, 1))
    group = made.shapes.add_group_shape()
    group.shapes.add_textbox(*PLACE).text_frame.text = "in a group"
    group.shapes.add_group_shape().shapes.add_textbox(*PLACE).text_frame.text = "deeper"
    document = one(tmp_path, "a.pptx", saved(deck))
    assert document.text == "| item | price | a b |\n| wide |  | 7 |\n\nin a group\n\ndeeper"


def test_notes_belong_to_their_slide(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    slide(deck, "One").notes_slide.notes_text_frame.text = "say hello\nand smile"
    slide(deck, "Two")
    document = one(tmp_path, "a.pptx", saved(deck))
    assert document.text == "# One\n\nNotes: say hello\nand smile\n\n# Two"
    assert place(document, "smile") == "slide 1"


def test_charts_give_their_titles_and_values(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    made = deck.slides.add_slide(deck.slide_layouts[BLANK])
    bars = CategoryChartData()
    bars.categories = ["North", "South"]
    bars.add_series("2023", (1.5, 2))
    bars.add_series("2024", (3, None))
    chart = made.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *PLACE, bars).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Sales"
    points = XyChartData()
    points.add_series("curve").add_data_point(1, 10)
    made.shapes.add_chart(XL_CHART_TYPE.XY_SCATTER, *PLACE, points)
    document = one(tmp_path, "a.pptx", saved(deck))
    assert document.text == "Sales\n2023: North 1.5, South 2\n2024: North 3\n\ncurve: 1 10"


def test_what_stands_on_every_slide_and_fallbacks_are_left_out(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    made = slide(deck, "T", "text")
    spaces = " ".join(
        f'xmlns:{short}="http://schemas.openxmlformats.org/{name}"'
        for short, name in (
            ("a", "drawingml/2006/main"),
            ("p", "presentationml/2006/main"),
            ("mc", "markup-compatibility/2006"),
        )
    )

    def shape(words: str, role: str = "") -> str:
        placeholder = f'<p:ph type="{role}"/>' if role else ""
        return (
            f'<p:sp {spaces}><p:nvSpPr><p:cNvPr id="9" name="x"/><p:cNvSpPr/><p:nvPr>{placeholder}</p:nvPr>'
            f"</p:nvSpPr><p:spPr/><p:txBody><a:bodyPr/><a:p><a:r><a:t>{words}</a:t></a:r></a:p></p:txBody></p:sp>"
        )

    for role in ("sldNum", "dt", "ftr"):
        made.shapes._spTree.append(parse_xml(shape(f"is {role}", role)))
    choice = (
        f"<mc:Choice Requires='a14'>{shape('chosen')}</mc:Choice><mc:Fallback>{shape('again')}</mc:Fallback>"
    )
    made.shapes._spTree.append(parse_xml(f"<mc:AlternateContent {spaces}>{choice}</mc:AlternateContent>"))
    assert one(tmp_path, "a.pptx", saved(deck)).text == "# T\n\ntext\n\nchosen"


def test_diagrams_are_read(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    made = slide(deck, "T")
    kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    drawing = "http://schemas.openxmlformats.org/drawingml/2006"
    frame = (
        '<p:graphicFrame xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
        f'xmlns:a="{drawing}/main">'
        f'<a:graphic><a:graphicData><d:relIds xmlns:d="{drawing}/diagram" xmlns:r="{kinds}" r:dm="own1"/>'
        "</a:graphicData></a:graphic></p:graphicFrame>"
    )
    made.shapes._spTree.append(parse_xml(frame))
    all_parts = parts(saved(deck))
    rels = "ppt/slides/_rels/slide1.xml.rels"
    relation = f'<Relationship Id="own1" Type="{kinds}/diagramData" Target="../diagrams/data1.xml"/>'
    all_parts[rels] = all_parts[rels].replace(b"</Relationships>", relation.encode() + b"</Relationships>")
    text = "<d:pt><d:t><a:p><a:r><a:t>{}</a:t></a:r></a:p></d:t></d:pt>"
    all_parts["ppt/diagrams/data1.xml"] = (
        f'<d:dataModel xmlns:d="{drawing}/diagram" xmlns:a="{drawing}/main"><d:ptLst>'
        f"{text.format('plan')}{text.format('build')}</d:ptLst></d:dataModel>"
    ).encode()
    assert one(tmp_path, "a.pptx", package(all_parts)).text == "# T\n\nplan\nbuild"


def test_empty_and_broken_slides_are_named(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    for title in ("one", "", "three", "", "five"):
        slide(deck, title)
    data = swapped(saved(deck), "ppt/slides/slide3.xml", "</p:sld>", "")
    document = one(tmp_path, "a.pptx", data)
    assert document.text == "# one\n\n# five"
    assert document.warnings == ("2 of 5 slides have no text: 2, 4", "1 of 5 slides could not be read: 3")
    assert place(document, "five") == "slide 5"


def test_presentations_without_text_are_skipped(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    slide(deck)
    assert (
        reason(tmp_path, "a.pptx", saved(deck))
        == "PowerPoint presentation without text on any of its 1 slides"
    )


def test_both_namespaces_of_the_standard(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    slide(deck, "One", "text").notes_slide.notes_text_frame.text = "said"
    assert one(tmp_path, "a.pptx", strict(saved(deck))).text == "# One\n\ntext\n\nNotes: said"


def test_comments_are_reported(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    slide(deck, "One")
    all_parts = parts(saved(deck)) | {"ppt/comments/comment1.xml": b"<x/>"}
    assert one(tmp_path, "a.pptx", package(all_parts)).warnings == ("comments are not read",)
