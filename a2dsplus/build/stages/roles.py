"""The second stage: roles.parquet from the captions."""

from a2dsplus.build.options import BuildOptions, BuildReport
from a2dsplus.dataset import tables
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.engine import LocalEngine
from a2dsplus.files import digest
from a2dsplus.progress import Bars
from a2dsplus.version import __version__

_NUMBER = 3  # a change to what this stage makes from the same input changes it
_MANY_CAPTIONS = 1000


def roles(workspace: Workspace, options: BuildOptions, report: BuildReport, bars: Bars) -> None:
    """Write roles.parquet from queries.parquet."""
    from a2dsplus.roles import Predicates, identify, load_labeller, parse

    model = identify(options.srl)
    srl = {"name": model.name, "sha256": model.sha256, "predicates": options.predicates}
    key = digest(_NUMBER, __version__, workspace.sha256("queries.parquet"), srl)
    if workspace.is_current("roles", key):
        report.kept.append("roles")
        return
    queries = tables.read_queries(workspace)
    texts = [query.text for query in queries]
    labeller = load_labeller(options.srl, predicates=Predicates(options.predicates))
    # fewer are parsed sooner than a worker has started
    engine = options.engine if len(texts) >= _MANY_CAPTIONS else LocalEngine()
    with bars("labelling roles", len(texts), "captions") as advance:
        parsed = parse(texts, labeller=labeller, engine=engine, progress=advance)
    tables.write_roles(workspace, dict(zip((query.query_id for query in queries), parsed, strict=True)))
    workspace.remember("roles", key, outputs=["roles.parquet"], srl=srl)
    report.done.append("roles")
