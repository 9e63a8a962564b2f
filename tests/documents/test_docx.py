"""Word documents made by python-docx, with XML put in where it cannot make something."""

import io
from pathlib import Path

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from tests.support.office import one, package, parts, place, reason, strict, swapped

W = nsdecls("w")
MARK = "MARKER"


def saved(document: docx.document.Document) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def body(xml: str, **more: str) -> bytes:
    """A document of one paragraph of plain text and what `xml` says; `more` are further parts, by kind."""
    document = docx.Document()
    document.add_paragraph("first")
    document.add_paragraph(MARK)
    spaces = (
        'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
        'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
        'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
        'xmlns:v="urn:schemas-microsoft-com:vml" '
    )
    data = swapped(saved(document), "word/document.xml", f"<w:p><w:r><w:t>{MARK}</w:t></w:r></w:p>", xml)
    data = swapped(data, "word/document.xml", "<w:body>", f"<w:body {spaces}>")
    all_parts = parts(data)
    for kind, part in more.items():
        kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        relation = f'<Relationship Id="own{kind}" Type="{kinds}/{kind}" Target="own/{kind}.xml"/>'
        rels = "word/_rels/document.xml.rels"
        all_parts[rels] = all_parts[rels].replace(b"</Relationships>", f"{relation}</Relationships>".encode())
        all_parts[f"word/own/{kind}.xml"] = part.encode()
    return package(all_parts)


def text(folder: Path, xml: str, **more: str) -> str:
    """What is read of `xml`."""
    found = one(folder, "a.docx", body(xml, **more)).text
    assert found.startswith("first")
    return found.removeprefix("first").strip()


def run(words: str, properties: str = "") -> str:
    return f'<w:r>{properties}<w:t xml:space="preserve">{words}</w:t></w:r>'


def paragraph(words: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr>{run(words)}</w:p>"


def numbered(words: str, level: int, list: int = 90) -> str:
    number = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{list}"/></w:numPr>'
    return paragraph(words, number)


def with_lists(paragraphs: list[str], levels: str, lists: str = "") -> bytes:
    """A document whose list 90 has the given levels."""
    document = docx.Document()
    root = document.part.numbering_part.element
    root.insert(0, parse_xml(f'<w:abstractNum {W} w:abstractNumId="90">{levels}</w:abstractNum>'))
    root.append(parse_xml(f'<w:num {W} w:numId="90"><w:abstractNumId w:val="90"/></w:num>'))
    for xml in lists.split("\n") if lists else ():
        root.append(parse_xml(xml.replace("<w:num ", f"<w:num {W} ", 1)))
    for xml in paragraphs:
        document.element.body.insert(
            len(document.element.body) - 1, parse_xml(xml.replace("<w:p>", f"<w:p {W}>", 1))
        )
    return saved(document)


def level(at: int, text: str, format: str = "decimal", more: str = "") -> str:
    return (
        f'<w:lvl w:ilvl="{at}"><w:start w:val="1"/><w:numFmt w:val="{format}"/>{more}'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
    )


def test_headings_become_parts_named_with_those_above(tmp_path: Path) -> None:
    made = docx.Document()
    made.add_heading("The Agreement", 0)
    for chapter in ("Scope", "Fees"):
        made.add_heading(chapter, 1)
        made.add_paragraph(f"about {chapter}")
        made.add_heading(f"{chapter} in detail", 2)
        made.add_paragraph(f"details of {chapter}")
    document = one(tmp_path, "a.docx", saved(made))
    assert document.kind == "markdown" and not document.lined and not document.warnings
    assert document.text.startswith("# The Agreement\n\n# Scope\n\nabout Scope\n\n## Scope in detail\n\n")
    assert place(document, "about Scope") == "Scope"
    assert place(document, "details of Scope") == "Scope › Scope in detail"
    assert place(document, "about Fees") == "Fees"
    assert place(document, "## Fees in detail") == "Fees › Fees in detail"
    for part in document.parts:
        assert document.text[part.start] == "#"


def test_headings_by_outline_level_and_by_a_style_based_on_one(tmp_path: Path) -> None:
    made = docx.Document()
    own = made.styles.add_style("Clause", docx.enum.style.WD_STYLE_TYPE.PARAGRAPH)
    own.base_style = made.styles["Heading 3"]
    made.add_paragraph("By style", style="Clause")
    outlined = made.add_paragraph("By level")
    outlined._p.get_or_add_pPr().append(parse_xml(f'<w:outlineLvl {W} w:val="1"/>'))
    plain = made.add_paragraph("Not one", style="Heading 1")
    plain._p.get_or_add_pPr().append(parse_xml(f'<w:outlineLvl {W} w:val="9"/>'))
    assert one(tmp_path, "a.docx", saved(made)).text == "### By style\n\n## By level\n\nNot one"


def test_styles_in_a_circle_end(tmp_path: Path) -> None:
    made = docx.Document()
    made.add_paragraph("text", style="Heading 2")
    data = swapped(
        saved(made), "word/styles.xml", '<w:basedOn w:val="Normal"/>', '<w:basedOn w:val="Heading2"/>'
    )
    assert one(tmp_path, "a.docx", data).text == "## text"


def test_labels_are_bounded_and_on_one_line(tmp_path: Path) -> None:
    made = docx.Document()
    for at in range(1, 10):
        made.add_heading(f"{at} 很长的标题\n" + "word " * 500, at)
    document = one(tmp_path, "a.docx", saved(made))
    assert max(len(part.label) for part in document.parts) <= 250
    assert all(len(part.label.splitlines()) == 1 for part in document.parts)
    assert "9 很长的标题 word" in document.parts[-1].label


def test_clauses_have_the_numbers_that_word_shows(tmp_path: Path) -> None:
    levels = (
        level(0, "%1.") + level(1, "%1.%2") + level(2, "(%3)", "lowerLetter") + level(3, "%4)", "lowerRoman")
    )
    clauses = [
        (0, "Scope"),
        (1, "One"),
        (1, "Two"),
        (2, "a"),
        (2, "b"),
        (3, "i"),
        (0, "Fees"),
        (1, "Three"),
        (2, "c"),
    ]
    document = one(tmp_path, "a.docx", with_lists([numbered(words, at) for at, words in clauses], levels))
    assert document.text.split("\n\n") == [
        *("1. Scope", "1.1 One", "1.2 Two", "(a) a", "(b) b", "i) i", "2. Fees", "2.1 Three", "(a) c")
    ]


def test_numbered_headings_show_their_number_in_text_and_label(tmp_path: Path) -> None:
    made = docx.Document()
    root = made.part.numbering_part.element
    linked = [f'<w:pStyle w:val="Heading{at}"/>' for at in (1, 2)]
    levels = level(0, "Article %1", "upperRoman", linked[0]) + level(
        1, "%1.%2", "decimal", linked[1] + "<w:isLgl/>"
    )
    root.insert(0, parse_xml(f'<w:abstractNum {W} w:abstractNumId="90">{levels}</w:abstractNum>'))
    root.append(parse_xml(f'<w:num {W} w:numId="90"><w:abstractNumId w:val="90"/></w:num>'))
    for at in (1, 2):
        properties = made.styles[f"Heading {at}"].element.get_or_add_pPr()
        properties.append(parse_xml(f'<w:numPr {W}><w:numId w:val="90"/></w:numPr>'))
    for words, at in (("Scope", 1), ("Term", 1), ("Start", 2), ("End", 2)):
        made.add_heading(words, at)
    plain = made.add_heading("Signatures", 1)
    plain._p.get_or_add_pPr().append(parse_xml(f'<w:numPr {W}><w:numId w:val="0"/></w:numPr>'))
    made.add_paragraph("signed")
    document = one(tmp_path, "a.docx", saved(made))
    assert document.text == (
        "# Article I Scope\n\n# Article II Term\n\n## 2.1 Start\n\n## 2.2 End\n\n# Signatures\n\nsigned"
    )
    assert place(document, "2.2 End") == "Article II Term › 2.2 End"
    assert place(document, "signed") == "Signatures"


def test_lists_restart_and_change_levels_where_they_say_so(tmp_path: Path) -> None:
    override = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride>'
    other = f'<w:lvlOverride w:ilvl="0">{level(0, "§ %1")}</w:lvlOverride>'
    lists = "\n".join(
        f'<w:num w:numId="{id}"><w:abstractNumId w:val="90"/>{xml}</w:num>'
        for id, xml in ((91, override), (92, other))
    )
    paragraphs = [
        numbered(words, 0, id) for words, id in (("a", 90), ("b", 90), ("c", 91), ("d", 91), ("e", 92))
    ]
    document = one(tmp_path, "a.docx", with_lists(paragraphs, level(0, "%1."), lists))
    assert document.text.split("\n\n") == ["1. a", "2. b", "7. c", "8. d", "§ 9 e"]


def test_a_level_counts_on_when_it_shall_not_restart(tmp_path: Path) -> None:
    levels = level(0, "%1.") + level(1, "Clause %2", more='<w:lvlRestart w:val="0"/>')
    paragraphs = [numbered("x", at) for at in (0, 1, 1, 0, 1)]
    document = one(tmp_path, "a.docx", with_lists(paragraphs, levels))
    assert document.text.split("\n\n")[-1] == "Clause 3 x"


def test_bullets_are_a_list(tmp_path: Path) -> None:
    made = docx.Document()
    made.add_paragraph("before")
    for words, style in (("one", "List Bullet"), ("deeper", "List Bullet"), ("two", "List Bullet")):
        made.add_paragraph(words, style=style)
    made.add_paragraph("after")
    assert one(tmp_path, "a.docx", saved(made)).text == "before\n\n- one\n- deeper\n- two\n\nafter"


def test_tables_are_rows(tmp_path: Path) -> None:
    made = docx.Document()
    table = made.add_table(3, 3)
    for row, words in enumerate((("item", "price", "note"), ("wide", "", "x"), ("tall", "7\n8", "y"))):
        for column, word in enumerate(words):
            table.cell(row, column).text = word
    table.cell(1, 0).merge(table.cell(1, 1))
    inner = table.cell(2, 2).add_table(1, 2)
    inner.cell(0, 0).text, inner.cell(0, 1).text = "in", "side"
    made.add_paragraph("after")
    document = one(tmp_path, "a.docx", saved(made))
    assert document.text == (
        "| item | price | note |\n| wide |  | x |\n| tall | 7 8 | y in, side; |\n\nafter"
    )


def test_a_table_of_one_cell_is_a_frame(tmp_path: Path) -> None:
    made = docx.Document()
    cell = made.add_table(1, 1).cell(0, 0)
    cell.text = "framed"
    cell.add_paragraph("Inside", style="Heading 1")
    assert one(tmp_path, "a.docx", saved(made)).text == "framed\n\n# Inside"


def test_cells_merged_downwards_and_deleted_rows(tmp_path: Path) -> None:
    def row(properties: str, *cells: str) -> str:
        return f"<w:tr>{properties}{''.join(cells)}</w:tr>"

    def cell(words: str, properties: str = "") -> str:
        return f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph(words)}</w:tc>"

    rows = [
        row("", cell("tall", '<w:vMerge w:val="restart"/>'), cell("one")),
        row("", cell("", "<w:vMerge/>"), cell("two")),
        row('<w:trPr><w:del w:id="1" w:author="A"/></w:trPr>', cell("gone"), cell("too")),
        row(
            '<w:trPr><w:gridBefore w:val="1"/></w:trPr>',
            cell("last"),
            cell("x", '<w:gridSpan w:val="99999"/>'),
        ),
    ]
    lines = text(tmp_path, f"<w:tbl>{''.join(rows)}</w:tbl>").split("\n")
    assert lines[:2] == ["| tall | one |", "|  | two |"]
    assert lines[2].startswith("|  | last | x |  |") and len(lines[2]) < 200
    assert len(lines) == 3


def test_footnotes_and_endnotes_follow_their_paragraph(tmp_path: Path) -> None:
    def notes(kind: str, words: dict[int, str]) -> str:
        items = "".join(f'<w:{kind} w:id="{id}">{paragraph(word)}</w:{kind}>' for id, word in words.items())
        rule = f'<w:{kind} w:id="-1" w:type="separator">{paragraph("separator")}</w:{kind}>'
        return f"<w:{kind}s {W}>{rule}{items}</w:{kind}s>"

    xml = (
        f'<w:p>{run("Paid")}<w:r><w:footnoteReference w:id="5"/></w:r>{run(" in full")}'
        f'<w:r><w:endnoteReference w:id="2"/></w:r></w:p>{paragraph("next")}'
        '<w:p><w:r><w:footnoteReference w:id="1"/></w:r></w:p>'
    )
    found = text(
        tmp_path,
        xml,
        footnotes=notes("footnote", {1: "second note", 5: "first note"}),
        endnotes=notes("endnote", {2: "at the end"}),
    )
    assert found == (
        "Paid[^1] in full[^i]\n\n[^1]: first note\n\n[^i]: at the end\n\nnext\n\n[^2]\n\n[^2]: second note"
    )


def test_a_note_that_leads_to_itself_is_read_once(tmp_path: Path) -> None:
    reference = '<w:r><w:footnoteReference w:id="1"/></w:r>'
    note = f'<w:footnote w:id="1"><w:p>{run("round")}{reference}</w:p></w:footnote>'
    found = text(
        tmp_path, f"<w:p>{run('a')}{reference}</w:p>", footnotes=f"<w:footnotes {W}>{note}</w:footnotes>"
    )
    assert found.count("round") == 1


def test_comments_follow_the_paragraph_or_row_they_are_about(tmp_path: Path) -> None:
    made = docx.Document()
    about = made.add_paragraph("The fee is 5%.")
    made.add_comment(about.runs, text="too low", author="Ann", initials="A")
    table = made.add_table(2, 2)
    for row in (0, 1):
        table.cell(row, 0).text, table.cell(row, 1).text = f"row {row}", "x"
    made.add_comment(table.cell(0, 0).paragraphs[0].runs, text="check this", author="", initials="")
    document = one(tmp_path, "a.docx", saved(made))
    assert document.text == (
        "The fee is 5%.\n\n[comment by Ann: too low]\n\n| row 0 | x |\n\n[comment: check this]\n\n| row 1 | x |"
    )


def test_tracked_changes_are_read_as_accepted(tmp_path: Path) -> None:
    changed = (
        f'<w:p>{run("The fee is ")}<w:del w:id="1" w:author="A"><w:r><w:delText>5</w:delText></w:r></w:del>'
        f'<w:ins w:id="2" w:author="A">{run("7")}</w:ins>{run(" percent")}'
        f'<w:moveFrom w:id="3" w:author="A">{run(" moved")}</w:moveFrom></w:p>'
        f'<w:p><w:moveTo w:id="4" w:author="A">{run("moved here")}</w:moveTo></w:p>'
    )
    assert text(tmp_path, changed) == "The fee is 7 percent\n\nmoved here"


def test_a_clause_that_is_deleted_takes_no_number(tmp_path: Path) -> None:
    number = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="90"/></w:numPr>'
    deleted = (
        f'<w:p><w:pPr>{number}<w:rPr><w:del w:id="1" w:author="A"/></w:rPr></w:pPr>'
        '<w:del w:id="2" w:author="A"><w:r><w:delText>old</w:delText></w:r></w:del></w:p>'
    )
    data = with_lists([numbered("a", 0), deleted, numbered("b", 0)], level(0, "%1."))
    assert one(tmp_path, "a.docx", data).text == "1. a\n\n2. b"


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        (
            "<w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:noBreakHyphen/><w:t>d</w:t></w:r>",
            "a\tb\nc-d",
        ),
        ("<w:r><w:t>co</w:t><w:softHyphen/><w:t>operate</w:t></w:r>", "cooperate"),
        (f'<w:hyperlink w:anchor="x">{run("linked")}</w:hyperlink>{run(" text")}', "linked text"),
        (f'<w:fldSimple w:instr="REF x">{run("2.1")}</w:fldSimple>', "2.1"),
        (run("hidden", "<w:rPr><w:vanish/></w:rPr>"), "hidden"),
        (f"<w:sdt><w:sdtPr/><w:sdtContent>{run('filled in')}</w:sdtContent></w:sdt>", "filled in"),
        ('<w:r><w:sym w:font="Symbol" w:char="F061"/><w:sym w:font="Wingdings" w:char="F0FE"/></w:r>', "α☑"),
        ('<w:r><w:sym w:font="X" w:char="zz"/><w:sym w:font="X" w:char="D800"/><w:t>a</w:t></w:r>', "a"),
        (run("10") + run("6", '<w:rPr><w:vertAlign w:val="superscript"/></w:rPr>'), "10^6"),
        (
            "<m:oMath><m:f><m:num><m:r><m:t>a+b</m:t></m:r></m:num><m:den><m:r><m:t>c</m:t></m:r></m:den></m:f>"
            "<m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup></m:oMath>",
            "(a+b)/cx^2",
        ),
        (
            "<w:r><w:ruby><w:rt><w:r><w:t>kan</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>漢</w:t></w:r></w:rubyBase>"
            "</w:ruby></w:r>",
            "漢",
        ),
        (
            '<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:checkBox><w:default w:val="0"/><w:checked/>'
            "</w:checkBox></w:ffData></w:fldChar></w:r><w:r><w:instrText>FORMCHECKBOX</w:instrText></w:r>"
            '<w:r><w:fldChar w:fldCharType="end"/></w:r><w:r><w:t> yes</w:t></w:r>',
            "☒ yes",
        ),
    ],
)
def test_text_of_runs(tmp_path: Path, xml: str, expected: str) -> None:
    assert text(tmp_path, f"<w:p>{xml}</w:p>") == expected


def test_fields_give_their_results_not_their_codes(tmp_path: Path) -> None:
    def turn(kind: str) -> str:
        return f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>'

    def field(code: str, result: str) -> str:
        return f"{turn('begin')}{code}{turn('separate')}{result}{turn('end')}"

    code = "<w:r><w:instrText>IF </w:instrText></w:r>"
    inner = field("<w:r><w:instrText>PAGE</w:instrText></w:r>", run("3"))
    xml = f"<w:p>{run('see ')}{field(code + inner, run('section 4'))}{run('.')}</w:p>"
    unclosed = f"<w:p>{turn('begin')}{run('lost')}</w:p>{paragraph('next')}"
    assert text(tmp_path, xml + unclosed) == "see section 4.\n\nnext"


def test_text_boxes_are_read_once(tmp_path: Path) -> None:
    box = f"<w:txbxContent>{paragraph('in the box')}{paragraph('second')}</w:txbxContent>"
    xml = (
        f"<w:p>{run('around')}<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wps:txbx>{box}"
        f"</wps:txbx></w:drawing></mc:Choice><mc:Fallback><w:pict><v:textbox>{box}</v:textbox></w:pict>"
        f"</mc:Fallback></mc:AlternateContent></w:r>{run(' it')}</w:p>"
    )
    assert text(tmp_path, xml) == "around it\n\nin the box\n\nsecond"


def test_content_controls_around_paragraphs_and_rows(tmp_path: Path) -> None:
    def control(xml: str) -> str:
        return f'<w:sdt><w:sdtPr><w:alias w:val="x"/></w:sdtPr><w:sdtContent>{xml}</w:sdtContent></w:sdt>'

    cells = f"<w:tc>{paragraph('a')}</w:tc>" + control(f"<w:tc>{paragraph('b')}</w:tc>")
    xml = control(paragraph("kept")) + f"<w:tbl>{control(f'<w:tr>{cells}</w:tr>')}</w:tbl>"
    assert text(tmp_path, xml) == "kept\n\n| a | b |"


def test_heads_and_feet_of_pages_are_the_last_part_each_once(tmp_path: Path) -> None:
    made = docx.Document()
    made.add_paragraph("body")
    for section in (made.sections[0], made.add_section()):
        section.header.is_linked_to_previous = False
        section.header.paragraphs[0].text = "Confidential"
        section.footer.is_linked_to_previous = False
        section.footer.paragraphs[0].text = "1"
    document = one(tmp_path, "a.docx", saved(made))
    assert document.text == "body\n\nConfidential"
    assert place(document, "Confidential") == "page headers and footers"
    assert place(document, "body") is None


def test_what_is_not_read_is_reported(tmp_path: Path) -> None:
    document = one(tmp_path, "a.docx", body(paragraph("x"), chart="<chart/>", aFChunk="<html/>"))
    assert document.warnings == ("charts are not read", "inserted files are not read")


def test_both_namespaces_of_the_standard(tmp_path: Path) -> None:
    made = docx.Document()
    made.add_heading("Scope", 1)
    made.add_paragraph("one", style="List Number")
    made.add_paragraph("two", style="List Number")
    expected = "# Scope\n\n1. one\n\n2. two"
    assert one(tmp_path, "a.docx", saved(made)).text == expected
    assert one(tmp_path, "b.docx", strict(saved(made))).text == expected


def test_a_document_without_text_is_skipped(tmp_path: Path) -> None:
    assert reason(tmp_path, "a.docx", saved(docx.Document())) == "Word document without text"


def test_a_locked_document_is_named_as_such(tmp_path: Path) -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le")
    assert reason(tmp_path, "a.docx", ole) == "encrypted Word document: a password is needed"
    assert "before 2007" in reason(tmp_path, "b.docx", ole[:600])


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    data = body(paragraph("&lol9;after"))
    bomb = '<!DOCTYPE x [<!ENTITY lol0 "lol">'
    bomb += "".join(f'<!ENTITY lol{at} "' + f"&lol{at - 1};" * 10 + '">' for at in range(1, 10)) + "]>"
    file = '<!DOCTYPE x [<!ENTITY lol9 SYSTEM "file:///etc/passwd">]>'
    with_bomb, with_file = (
        swapped(data, "word/document.xml", "<w:document", f"{start}<w:document") for start in (bomb, file)
    )
    assert reason(tmp_path, "a.docx", with_bomb).startswith("broken Word document")
    assert one(tmp_path, "b.docx", with_file).text == "first"


def test_a_package_that_inflates_without_end_is_refused(tmp_path: Path) -> None:
    all_parts = parts(body(paragraph("x")))
    all_parts["word/document.xml"] = b"<x>" + b" " * 60_000_000 + b"</x>"
    assert "inflates to far more" in reason(tmp_path, "a.docx", package(all_parts))


def test_a_part_is_inflated_no_further_than_it_says(tmp_path: Path) -> None:
    """A size in the file's list of parts that is too small must not let the rest into memory."""
    import tracemalloc

    all_parts = parts(body(paragraph("x")))
    all_parts["word/document.xml"] = b"<x>" + b" " * 60_000_000 + b"</x>"
    data = package(all_parts)
    size = (60_000_007).to_bytes(4, "little")
    assert data.count(size) == 2
    data = data.replace(size, (1000).to_bytes(4, "little"))
    tracemalloc.start()
    found = reason(tmp_path, "a.docx", data)
    assert tracemalloc.get_traced_memory()[1] < 30_000_000
    tracemalloc.stop()
    assert found.startswith("broken Word document")


def test_deep_nesting_ends_in_an_error_or_text(tmp_path: Path) -> None:
    for depth in (60, 80, 300):
        xml = "<w:tbl><w:tr><w:tc>" * depth + paragraph("deep") + "</w:tc></w:tr></w:tbl>" * depth
        (tmp_path / "readable.txt").write_text("text")
        data = body(xml)
        if depth < 85:
            assert "deep" in one(tmp_path, "a.docx", data).text
        else:
            assert reason(tmp_path, "a.docx", data).startswith("broken Word document")


def test_twenty_thousand_paragraphs(tmp_path: Path) -> None:
    """Quadratic time would take minutes, which the runner's limit does not allow."""
    xml = "".join(paragraph(f"word {at}", '<w:pStyle w:val="ListNumber"/>') for at in range(20_000))
    document = one(tmp_path, "a.docx", body(xml))
    assert document.text.endswith("20000. word 19999")
