"""What `parse` shows of a caption's referent."""

import json

from click.testing import CliRunner

from a2dsplus.cli.parse import command


def _run(*arguments: str) -> str:
    result = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_one_line_a_caption_says_what_its_referent_is_read_as() -> None:
    output = _run(
        "a white poodle is eating rice on the grass",
        "a man in a red shirt who is not moving",
        "a ball is thrown by a girl",
        "!!!",
    )
    lines = [line for line in output.splitlines() if line.startswith("referent: ")]
    assert lines == [
        "referent: white poodle; class dog; kind poodle; colours body white; verbs eat; objects eat rice; places location grass; mentions grass",
        "referent: man; class adult; sex male; colours top red; verbs not move; mentions red shirt",
        "referent: ball; class ball; verbs throw (suffered); mentions girl",
        "referent: none that a role names",
    ]


def test_json_has_the_referent_and_everybody_else() -> None:
    (row,) = json.loads(_run("--json", "a woman in a green dress walks a brown dog"))
    referent = row["referent"]
    assert (referent["head"], referent["sex"]) == ("woman", ["female"])
    assert {"verb": "walk", "negated": False, "passive": False} in referent["verbs"]
    assert referent["objects"] == [{"verb": "walk", "words": "brown dog"}]
    (dog,) = [actor for actor in referent["mentions"] if actor["head"] == "dog"]
    assert dog["colours"] == [{"of": "body", "colours": ["brown"]}]
    assert "mentions" not in dog


def test_who_one_eats_with_is_mentioned_and_not_eaten() -> None:
    (row,) = json.loads(_run("--json", "a boy is eating noodles on the floor with a man"))
    assert [thing["words"] for thing in row["referent"]["objects"] if thing["verb"] == "eat"] == ["noodle"]
    assert "man" in [actor["head"] for actor in row["referent"]["mentions"]]
