"""The tables of docs/performance.md: each stands between the markers of the script that prints it.

A script prints its lines, and with `--write` it puts the same lines into the page: no figure there is typed by hand.
"""

from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"


def write(name: str, lines: list[str], page: Path = PAGE) -> None:
    """Put the lines between the markers of that name: the script's, and a further word where it has two tables."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    text = page.read_text("utf-8")
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"{page.name} has no place for the table {name!r}: {begin.strip()} … {end}")
    page.write_text(before + begin + "\n".join(lines) + "\n" + end + after, "utf-8")
