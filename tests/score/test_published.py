"""The published rows: the mAP definition behind each can be recomputed from the figures printed beside it."""

import pytest

from a2dsplus.score.report.published import PublishedRow, published_tables, rows_for

FIVE = [f"P@{threshold}" for threshold in (0.5, 0.6, 0.7, 0.8, 0.9)]
ROWS = [(table.number, table.subset, row) for table in published_tables() for row in table.rows]


@pytest.mark.parametrize(("number", "subset", "row"), ROWS, ids=[f"{n}{s} {row.method}" for n, s, row in ROWS])
def test_a_row_is_consistent(number: int, subset: str, row: PublishedRow) -> None:
    assert all(0 <= value <= 1 for value in row.figures.values())
    if "J&F" in row.figures:
        assert row.figures["J&F"] == pytest.approx((row.figures["J"] + row.figures["F"]) / 2, abs=0.0006)
    assert (row.map_definition is None) == ("mAP" not in row.figures)
    if row.map_definition and "P@0.5" in row.figures:
        mean = sum(row.figures[name] for name in FIVE) / 5
        is_five = abs(mean - row.figures["mAP"]) < 0.0006
        assert row.map_definition == ("mAP_5" if is_five else "mAP_10")


def test_locater_alone_is_printed_with_five_thresholds() -> None:
    five = {row.method for number, _, row in ROWS if number in (3, 4) and row.map_definition == "mAP_5"}
    assert five == {"LOCATER"}


def test_each_subset_has_the_four_rows_of_table_6() -> None:
    for subset in "MST":
        assert [row.method for row in rows_for(subset)] == ["ACGA", "CSTM", "LOCATER-IMG (no memory)", "LOCATER"]
    assert rows_for("elsewhere") == ()


def test_tables_3_to_7_are_there() -> None:
    assert [table.number for table in published_tables()] == [3, 4, 5, 6, 6, 6, 7]
