import re

from tests.support import generated


def test_the_table_of_settings_is_up_to_date() -> None:
    assert generated.MODELS.read_text(encoding="utf-8") == generated.models_page(), "run `make docs`"


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
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert target.startswith("http") or (page.parent / target).exists(), f"{page.name} -> {target}"
