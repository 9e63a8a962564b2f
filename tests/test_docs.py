import re

from tests.support import generated, scale


def test_the_table_of_settings_is_up_to_date() -> None:
    assert generated.CONFIGURATION.read_text(encoding="utf-8") == generated.configuration_page(), (
        "run `make docs`"
    )


def test_the_command_reference_is_up_to_date() -> None:
    assert generated.COMMANDS.read_text(encoding="utf-8") == generated.commands_page(), "run `make docs`"


def test_the_tables_of_memory_are_up_to_date() -> None:
    assert generated.DEPLOYING.read_text(encoding="utf-8") == generated.deploying_page(), "run `make docs`"


def test_what_large_jobs_cost_is_up_to_date() -> None:
    assert scale.PAGE.read_text(encoding="utf-8") == scale.scale_page(), "run `make docs`"


def test_the_readme_tree_names_every_module() -> None:
    readme = (generated.ROOT / "README.md").read_text(encoding="utf-8")
    tree = readme.split("## The tree")[1]
    missing = [path for path in generated.source_tree() if path.rsplit("/")[-1] not in tree]
    assert not missing


def test_links_between_pages_lead_somewhere() -> None:
    pages = [
        generated.ROOT / "README.md",
        generated.ROOT / "CONTRIBUTING.md",
        *(generated.ROOT / "docs").glob("*.md"),
    ]
    for page in pages:
        for target, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", page.read_text(encoding="utf-8")):
            if target.startswith("http"):
                continue
            to = page.parent / target if target else page
            assert to.exists(), f"{page.name} -> {target}"
            assert not anchor or anchor in anchors(to.read_text(encoding="utf-8")), f"{page.name} -> {anchor}"


def anchors(text: str) -> set[str]:
    """Of the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
