"""The engine `ray` on a real cluster of two nodes: the results of `local`, errors that come home, a node that is lost."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from a2dsplus.build.options import BuildOptions
from a2dsplus.build.run import build
from a2dsplus.compose.render import Rendering
from a2dsplus.dataset.shard import Shard
from a2dsplus.dataset.tables import read_queries
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.engine import Engine, LocalEngine, make_engine, nothing
from a2dsplus.errors import InputError, MissingExtraError, ModelError, UsageError, WorkerError
from a2dsplus.files import sha256
from a2dsplus.models.run import Run, predict
from a2dsplus.progress import Advance, Bars, no_bar
from a2dsplus.roles import parse
from a2dsplus.score.evaluation import evaluate
from a2dsplus.sources.a2d import A2dSource

ray = pytest.importorskip("ray", reason="the extra ray is not installed")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head and a second node, one processor each."""
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112  # the name is Ray's
    nodes = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
    found = Cluster(initialize_head=True, head_node_args=nodes)
    found.add_node(num_cpus=1, num_gpus=1, object_store_memory=80 * 2**20)
    try:
        yield found
    finally:
        ray.shutdown()
        found.shutdown()


def begin(base: int, number: int) -> tuple[int, int]:
    return base, number


def add(state: tuple[int, int], item: int) -> int:
    return state[0] + item


def where(_state: None, _item: int) -> tuple[str, int, str, str]:
    import cv2

    node = ray.get_runtime_context().get_node_id()
    return node, cv2.getNumThreads(), str(Path.cwd()), os.environ.get("CUDA_VISIBLE_DEVICES", "")


def refuse(_state: None, item: int) -> int:
    if item == 3:
        raise ModelError(f"item {item}: bad")
    return 1 // (item - 5)


def fail_to_begin(number: int) -> None:
    raise InputError("no such checkpoint")


def die(_state: None, item: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return item


def die_once(folder: Path, item: int) -> int:
    """Kill the worker of an odd item the first time that it is worked on."""
    mark = folder / f"{item}"
    if item % 2 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def with_folder(folder: Path, _number: int) -> Path:
    return folder


def test_results_are_those_of_local(cluster: Any) -> None:
    engine = make_engine("ray", address=cluster.address)
    assert engine.workers == 2
    expected = list(LocalEngine().run(add, range(50), start=partial(begin, 100)))
    assert list(engine.run(add, range(50), start=partial(begin, 100))) == expected
    assert sorted(engine.run(add, range(50), start=partial(begin, 100), in_order=False)) == expected
    assert list(engine.run(add, [], start=fail_to_begin)) == []
    few = make_engine("ray", workers=1, address=cluster.address)
    assert list(few.run(add, range(9), start=partial(begin, 1))) == list(range(1, 10))


def test_both_nodes_work_in_the_driver_s_folder_with_a_thread_each(cluster: Any) -> None:
    found = set(make_engine("ray", address=cluster.address).run(where, range(60), start=nothing))
    assert len({node for node, *_ in found}) == 2
    assert {rest for _, *rest_ in found for rest in [tuple(rest_[:2])]} == {(1, str(Path.cwd()))}


def test_a_worker_sees_the_accelerator_that_it_was_given(cluster: Any) -> None:
    found = set(make_engine("ray", address=cluster.address, gpus=1).run(where, range(4), start=nothing))
    assert {visible for *_, visible in found} == {"0"}


def test_functions_of_the_driver_s_own_script_travel(cluster: Any) -> None:
    own: dict[str, Any] = {"__name__": "__main__"}
    exec("def twice(_state, item):\n    return 2 * item\n", own)
    assert list(make_engine("ray", address=cluster.address).run(own["twice"], range(4), start=nothing)) == [0, 2, 4, 6]


def test_items_are_taken_as_they_are_needed(cluster: Any) -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in range(1000):
            taken.append(item)
            yield item

    results = make_engine("ray", address=cluster.address).run(add, items(), start=partial(begin, 0))
    assert next(results) == 0
    assert len(taken) < 20
    results.close()  # type: ignore[attr-defined]


def test_errors_come_home_as_themselves(cluster: Any) -> None:
    engine = make_engine("ray", address=cluster.address)
    with pytest.raises(ModelError, match=r"^item 3: bad$"):
        list(engine.run(refuse, range(9), start=nothing))
    with pytest.raises(RuntimeError, match=r"(?s)in refuse.*ZeroDivisionError"):
        list(engine.run(refuse, [5], start=nothing))
    with pytest.raises(InputError, match="no such checkpoint"):
        list(engine.run(add, range(9), start=fail_to_begin))  # type: ignore[arg-type]


def test_a_lost_worker_s_item_is_done_by_another_and_one_that_kills_all_ends(cluster: Any, tmp_path: Path) -> None:
    engine = make_engine("ray", address=cluster.address)
    assert list(engine.run(die_once, range(4), start=partial(with_folder, tmp_path))) == [0, 1, 2, 3]
    with pytest.raises(WorkerError, match=r"lost 4 times .*run the same again"):
        list(engine.run(die, [1], start=nothing))


def test_a_node_that_is_not_fit_is_one_line(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = make_engine("ray", address=cluster.address, folders=[tmp_path / "clips"])
    with pytest.raises(InputError, match=r"node \S+: does not see \S+clips; .*all nodes share"):
        list(missing.run(add, [1], start=partial(begin, 0)))
    monkeypatch.setattr("a2dsplus.engine_ray.__version__", "0.0.1")
    with pytest.raises(InputError, match=r"node \S+: has a2dsplus \S+, expected 0.0.1; install one version"):
        list(make_engine("ray", address=cluster.address).run(add, [1], start=partial(begin, 0)))


def test_an_address_where_nobody_is_and_an_engine_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    import a2dsplus.engine_ray as module

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(UsageError, match=r"--ray-address nowhere: no Ray cluster answers there"):
        module._connect("nowhere", None)
    with pytest.raises(UsageError, match=r"--ray-address auto: --engine local has no use for it"):
        make_engine("local", address="auto")

    def other_version(**_given: object) -> None:
        raise RuntimeError("Version mismatch: The cluster was started with:\n    Ray: 2.40.0\n    Python: 3.12.1")

    monkeypatch.setattr(ray, "init", other_version)
    with pytest.raises(InputError, match=r"Ray: 2.40.0 Python: 3.12.1; install the cluster's versions"):
        module._connect("head:6379", None)


def test_without_ray_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r'needs ray.*pip install "a2dsplus\[ray\]"'):
        make_engine("ray")


# ---- the same bytes ----------------------------------------------------------------------------------------------


def _hashes(out: Path) -> dict[str, str]:
    return {name: sha256(out / name) for name in [*Workspace(out).files(), "manifest.json"]}


def _built(root: Path, out: Path, engine: Engine, *, bars: Bars = no_bar) -> dict[str, str]:
    build(A2dSource(root), out, options=BuildOptions(rendering=Rendering(), skip_bad=True, engine=engine), bars=bars)
    return _hashes(out)


def test_two_nodes_one_lost_in_the_middle_and_another_engine_give_the_bytes_of_one_process(
    cluster: Any, small_root: Path, tmp_path: Path
) -> None:
    alone = _built(small_root, tmp_path / "alone", LocalEngine())
    on_ray = make_engine("ray", address=cluster.address, folders=[small_root, tmp_path])
    captions = [query.text for query in read_queries(Workspace(tmp_path / "alone"))]
    assert parse(captions, engine=on_ray) == parse(captions)
    run = Run(model="oracle", checkpoint=None, dataset=tmp_path / "alone")
    predict(run, tmp_path / "p-alone")
    predict(replace(run, engine=on_ray), tmp_path / "p-ray")
    for name in ("M.json", "S.json", "T.json"):
        assert (tmp_path / "p-ray" / name).read_bytes() == (tmp_path / "p-alone" / name).read_bytes()
    scores = [
        evaluate(tmp_path / "p-alone", tmp_path / "alone", resamples=10, engine=engine).as_json()
        for engine in (LocalEngine(), on_ray)
    ]
    assert scores[0] == scores[1]

    # half by a shard on one engine, the rest on two nodes of which one is lost after the first sample
    build(
        A2dSource(small_root),
        tmp_path / "two",
        options=BuildOptions(rendering=Rendering(), skip_bad=True, engine=LocalEngine(workers=2)),
        shard=Shard(number=2, count=3),
    )
    lost = cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20)
    wider = make_engine("ray", workers=3, address=cluster.address)

    @contextmanager
    def losing(title: str, total: int, unit: str) -> Iterator[Advance]:
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            if title == "rendering" and done > total // 3 + 1 and lost in cluster.worker_nodes:  # more than the shard's
                cluster.remove_node(lost, allow_graceful=False)

        yield advance

    assert _built(small_root, tmp_path / "two", wider, bars=losing) == alone
    assert lost not in cluster.worker_nodes
