"""The table under every published number."""

from __future__ import annotations

import pytest

from benchmarks.table import Table, shown


def test_a_table_is_markdown_with_numbers_on_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    with Table("speed", "what", "requests/s") as table:
        table.row("ours", 53210.4)
        table.row("theirs", 19000)
    title, _, machine, load, *rows = capsys.readouterr().out.splitlines()
    assert title == "### speed"
    assert "Python 3." in machine
    assert load.startswith("load ")
    assert rows[1:-1] == [
        "| what   | requests/s |",
        "| ------ | ---------: |",
        "| ours   |     53,210 |",
        "| theirs |     19,000 |",
    ]


def test_rows_are_printed_when_the_benchmark_fails(capsys: pytest.CaptureFixture[str]) -> None:
    def benchmark() -> None:
        with Table("speed", "what") as table:
            table.row("before the failure")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        benchmark()
    assert "| before the failure |" in capsys.readouterr().out


def test_a_row_has_a_cell_for_every_heading() -> None:
    with pytest.raises(ValueError, match="1 cells under 2 headings"):
        Table("speed", "what", "ms").row("ours")


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (1234567, "1,234,567"),
        (0.012345, "0.0123"),
        (45.678, "45.7"),
        (123.4, "123"),
        (12345.6, "12,346"),
        (True, "True"),
    ],
)
def test_three_digits_are_enough(cell: object, text: str) -> None:
    assert shown(cell) == text
