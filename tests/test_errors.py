"""A message is one printable line, whatever a stranger wrote into it."""

from a2dsplus.errors import InputError


def test_a_message_is_one_printable_line() -> None:
    told = str(InputError("a\nb\x1b[2J\x07 \u202e caf\u00e9"))
    assert told == "a b\\x1b[2J\\x07 \\u202e caf\u00e9"
    assert told.isprintable()


def test_a_long_message_keeps_its_beginning_and_what_to_do() -> None:
    told = str(InputError("file: " + "x" * 5000 + "; build it again"))
    assert len(told) <= 1000 and told.startswith("file: x") and told.endswith("x; build it again")
