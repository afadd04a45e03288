"""AllenNLP archives, good and bad: one line that says what is wrong, nothing read that should not be."""

import io
import json
import pickle
import tarfile
from pathlib import Path

import pytest
import torch

from a2dsplus.errors import ModelError, UsageError
from a2dsplus.roles import load_labeller
from a2dsplus.roles.srl.archive import load_archive, read_labels
from a2dsplus.roles.srl.bert_names import VOCABULARY_VARIABLE
from a2dsplus.roles.srl.compact import export_archive
from tests.roles.srl_archives import config_of, labels_of, packed, pad_labels, random_tagger, rewrite, state_of

WORDS = [["a", "dog", "is", "running", "on", "the", "grass"], ["Zwei", "😀", "hunde"], []]
VERBS = [[3], [1, 2], []]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive as AllenNLP would accept it."""
    path = tmp_path_factory.mktemp("srl") / "model.tar.gz"
    export_archive(path, tagger=random_tagger(seed=1))
    return path


def test_an_archive_gives_back_the_model_that_was_written(good: Path) -> None:
    tagger = random_tagger(seed=1)
    read = load_archive(good)
    assert read.labels == tagger.labels
    assert read.tag(WORDS, VERBS) == tagger.tag(WORDS, VERBS)


def test_position_ids_may_be_missing_and_the_tar_uncompressed(good: Path, tmp_path: Path) -> None:
    state = state_of(good)
    del state["bert_model.embeddings.position_ids"]
    older = rewrite(good, tmp_path / "older.tar.gz", weights=packed(state))
    plain = tmp_path / "plain.tar"
    with tarfile.open(older) as source, tarfile.open(plain, "w") as target:
        for entry in source:
            target.addfile(entry, source.extractfile(entry))
    expected = load_archive(good).tag(WORDS, VERBS)
    assert load_archive(older).tag(WORDS, VERBS) == expected
    assert load_archive(plain).tag(WORDS, VERBS) == expected


def test_half_precision_weights_are_read(good: Path, tmp_path: Path) -> None:
    half = {name: value.half() if value.is_floating_point() else value for name, value in state_of(good).items()}
    tagger = load_archive(rewrite(good, tmp_path / "half.tar.gz", weights=packed(half)))
    assert {value.dtype for value in tagger.model.state_dict().values()} == {torch.float32}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(good: Path, tmp_path: Path, value: float) -> None:
    state = state_of(good)
    state["tag_projection_layer.bias"][1] = value
    with pytest.raises(ModelError, match=r"NaN or infinite weights in tag_projection_layer\.bias$"):
        load_archive(rewrite(good, tmp_path / "sick.tar.gz", weights=packed(state)))


@pytest.mark.parametrize(("name", "size"), [("num_hidden_layers", 10**6), ("hidden_size", 10**6), ("vocab_size", 10**9)])  # fmt: skip
def test_sizes_that_the_weights_cannot_fill_are_refused_before_a_network_is_made(
    good: Path, tmp_path: Path, name: str, size: int
) -> None:
    config = config_of(good)
    config["model"]["bert_model"] |= {name: size}
    with pytest.raises(ModelError, match=f"{name} is {size}"):
        load_archive(rewrite(good, tmp_path / "large.tar.gz", config=json.dumps(config).encode()))


@pytest.mark.parametrize("kind", ["gz", "xz", "bz2"])
def test_a_damaged_compression_is_one_line(good: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"model.tar.{kind}"
    with tarfile.open(good) as source, tarfile.open(path, f"w:{kind}") as target:
        for entry in source:
            target.addfile(entry, source.extractfile(entry))
    data = bytearray(path.read_bytes())
    for place in range(len(data) // 3, len(data) // 3 + 40):
        data[place] ^= 0x5A
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"not a readable tar archive|corrupt archive"):
        load_archive(path)


def test_padded_labels_are_numbered_after_the_padding_token(good: Path, tmp_path: Path) -> None:
    read = load_archive(pad_labels(good, tmp_path / "padded.tar.gz"))
    assert read.labels == ("@@PADDING@@", "@@UNKNOWN@@", *labels_of(10))


@pytest.mark.parametrize(
    ("non_padded", "padded"),
    [
        ("*labels\n", False),
        ("labels\n", False),
        ("*tags\n*labels", False),
        ("*tags\n", True),
        ("label\n", True),
        ("", True),
    ],
)
def test_namespaces_are_matched_as_allennlp_does(non_padded: str, padded: bool) -> None:
    labels = read_labels("@@UNKNOWN@@\r\nO\r\nB-V\r\n", non_padded, options={}, where="x")
    assert (labels[0] == "@@PADDING@@") is padded


def test_the_configuration_may_name_bert_instead_of_describing_it(good: Path, tmp_path: Path) -> None:
    config = config_of(good)
    config["model"]["bert_model"] = "bert-base-uncased"
    path = rewrite(good, tmp_path / "named.tar.gz", config=json.dumps(config).encode())
    with pytest.raises(
        ModelError, match=r"word_embeddings.weight is \(30522, 32\), the configuration asks for \(30522, 768\)"
    ):
        load_archive(path)


def test_an_unknown_bert_says_where_to_put_its_vocabulary(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VOCABULARY_VARIABLE, raising=False)
    config = config_of(good)
    config["dataset_reader"]["bert_model_name"] = "somebody/their-bert-uncased"
    path = rewrite(good, tmp_path / "theirs.tar.gz", config=json.dumps(config).encode())
    with pytest.raises(ModelError, match=VOCABULARY_VARIABLE):
        load_archive(path)
    tagger = random_tagger(seed=1)
    (tmp_path / "vocab.txt").write_text("\n".join(tagger.pieces.pieces) + "\n", encoding="utf-8")
    assert load_archive(path).tag(WORDS, VERBS) == tagger.tag(WORDS, VERBS)
    monkeypatch.setenv(VOCABULARY_VARIABLE, str(tmp_path / "none.txt"))
    with pytest.raises(ModelError, match=r"none\.txt: no such file"):
        load_archive(path)


def test_a_smaller_vocabulary_in_the_archive_is_used(good: Path, tmp_path: Path) -> None:
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "dog"]
    path = rewrite(good, tmp_path / "small.tar.gz", vocab="\n".join(pieces).encode())
    assert load_archive(path).pieces.pieces == tuple(pieces)


def _config(change: dict[str, object]) -> dict[str, bytes]:
    base: dict[str, object] = {
        "dataset_reader": {"type": "srl", "bert_model_name": "bert-base-uncased"},
        "model": {"type": "srl_bert", "bert_model": {"hidden_size": 32, "num_hidden_layers": 2}},
    }
    return {"config": json.dumps({**base, **change}).encode()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weights": None}, "has no weights.th"),
        ({"config": None}, "has no config.json"),
        ({"labels": None}, "has no vocabulary/labels.txt"),
        ({"non_padded": None}, "has no vocabulary/non_padded_namespaces.txt"),
        ({"config": b"{"}, "config.json is not JSON"),
        ({"config": b"[]"}, "has no model"),
        ({"config": b"\xff"}, "config.json is not UTF-8"),
        (_config({"model": {"type": "crf_tagger"}}), "model type 'crf_tagger'; only srl_bert"),
        (_config({"dataset_reader": {"type": "srl"}}), "dataset_reader.bert_model_name"),
        (_config({"model": {"type": "srl_bert"}}), "model.bert_model is None"),
        (_config({"model": {"type": "srl_bert", "bert_model": "nobody/nothing"}}), "'nobody/nothing' is not known"),
        (_config({"model": {"type": "srl_bert", "bert_model": {"hidden_size": "x"}}}), "hidden_size is 'x'"),
        ({"labels": b"O\nB-ARG0\n"}, "no label B-V"),
        ({"labels": b"O\nO\nB-V\n"}, "has O more than once"),
        ({"labels": b"O\n\nB-V\n"}, "line 2: an empty label"),
        ({"labels": b"O\nB-V\nI-V\n"}, "tag_projection_layer.weight is (21, 32), the configuration asks for (3, 32)"),
        ({"weights": b"no weights"}, "weights.th cannot be loaded"),
        ({"weights": packed({})}, "lacks bert_model.embeddings.word_embeddings.weight"),
        ({"vocab": b"[PAD]\n[UNK]\n"}, "lacks [CLS], [SEP]"),
    ],
)
def test_a_broken_archive_is_named_in_one_line(
    good: Path, tmp_path: Path, changes: dict[str, bytes | None], words: str
) -> None:
    path = rewrite(good, tmp_path / "bad.tar.gz", **changes)
    with pytest.raises(ModelError) as error:
        load_archive(path)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_tensor_is_an_error(good: Path, tmp_path: Path) -> None:
    state = {**state_of(good), "another.weight": torch.zeros(1)}
    with pytest.raises(ModelError, match=r"holds another\.weight"):
        load_archive(rewrite(good, tmp_path / "more.tar.gz", weights=packed(state)))


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("never printed",)


def test_weights_that_would_run_code_are_refused(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = io.BytesIO()
    torch.save({"x": _Evil()}, evil)
    for content in (evil.getvalue(), pickle.dumps(_Evil())):
        with pytest.raises(ModelError, match=r"weights\.th cannot be loaded as tensors alone"):
            load_archive(rewrite(good, tmp_path / "evil.tar.gz", weights=content))
    assert "never printed" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["/etc/evil", "../evil", "vocabulary/../../evil", "a\\..\\evil"])
def test_a_member_outside_the_archive_is_refused(good: Path, tmp_path: Path, name: str) -> None:
    _refused(good, tmp_path, tarfile.TarInfo(name), "leaves the archive")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(good: Path, tmp_path: Path, kind: bytes) -> None:
    entry = tarfile.TarInfo("vocabulary/link.txt")
    entry.type, entry.linkname = kind, "/etc/passwd"
    _refused(good, tmp_path, entry, "is a link or a device")


def test_a_member_that_occurs_twice_is_refused(good: Path, tmp_path: Path) -> None:
    _refused(good, tmp_path, tarfile.TarInfo("config.json"), "occurs twice")


def test_what_is_no_archive_is_named(good: Path, tmp_path: Path) -> None:
    (tmp_path / "text.tar.gz").write_text("not a tar")
    (tmp_path / "cut.tar.gz").write_bytes(good.read_bytes()[:5000])
    (tmp_path / "empty").write_bytes(b"")
    for name, words in (
        ("none.tar.gz", "no such file"),
        ("text.tar.gz", "not a readable tar"),
        ("cut.tar.gz", "is it complete"),
        ("empty", "not a readable tar"),
        (".", "a folder"),
    ):
        with pytest.raises(ModelError, match=words):
            load_archive(tmp_path / name)
        with pytest.raises(ModelError, match=words):
            load_labeller(str(tmp_path / name))


def test_another_way_to_find_predicates_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="expected one of model, spacy"):
        load_labeller(predicates="guess")


def _refused(good: Path, folder: Path, extra: tarfile.TarInfo, words: str) -> None:
    path = folder / "bad.tar.gz"
    with tarfile.open(good) as source, tarfile.open(path, "w:gz") as target:
        for entry in source:
            target.addfile(entry, source.extractfile(entry))
        target.addfile(extra, io.BytesIO(b""))
    with pytest.raises(ModelError, match=words):
        load_archive(path)
