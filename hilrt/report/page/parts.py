"""The parts of a report on one run, as HTML; a part with nothing in it is empty."""

import xxhash

from hilrt.report.page.counters import counters_of
from hilrt.report.page.curves import Curve, page_figure
from hilrt.report.page.markup import Html, join, section, table, tag
from hilrt.report.page.outcome import NONE, figures
from hilrt.report.page.pictures import failures, place_map, surroundings
from hilrt.report.page.story import Story
from hilrt.report.rates import Rate

TROUBLES = 40
"""Lines of the log that are shown."""


def one_run(story: Story, curve: Curve | None) -> Html:
    """All of them, in the order in which they are asked for."""
    known = {name: value for name, value in figures(story).items() if value != NONE}
    return join(
        [
            section("In figures", table((), known.items())),
            section("Learning", *learning([curve] if curve else [])),
            section("From its first steps to its last", thirds(story)),
            section("By place", place_map(story), by_cell(story)),
            section("Failures", *failures(story)),
            section("Did it keep the clock?", timing(story)),
            section("Faults and warnings", troubles(story), *surroundings(story)),
            section("Hardware, versions, hashes", table((), provenance(story).items())),
            section("Task file", tag("details", tag("summary", "config.toml"), tag("pre", story.task_file))),
        ]
    )


def learning(curves: list[Curve]) -> list[Html]:
    """The curves, and how to read them."""
    if not curves:
        return []
    windows = " or ".join(sorted({str(curve.window) for curve in curves}))
    of = "share of each training episode's" if len(curves) == 1 else "share of the same episodes'"
    words = (
        "Dots: evaluations, the policy alone, with their 95 % Wilson interval. Thin line: share of the last "
        f"{windows} training episodes won without a human step. Below: {of} steps that were human, and the minutes "
        "that a person has driven for until then."
    )
    return [tag("figure", page_figure(curves), tag("figcaption", words))]


def thirds(story: Story) -> Html:
    """How a training went on."""
    rows = [
        (
            f"until step {p.until_steps:,}",
            str(p.episodes),
            f"{p.success_rate:.1%}",
            f"{p.autonomous_rate:.1%}",
            f"{p.intervention_rate:.1%}",
        )
        for p in story.person.phases
    ]
    head = ("third of the training", "episodes", "won", "won without help", "human share of steps")
    return table(head, rows) if rows else Html()


def by_cell(story: Story) -> Html:
    """Of an evaluation by place; of two policies, side by side."""
    if not story.told or not story.told.cells:
        return Html()
    c = story.told.comparison
    policies = [story.told.cells, *([c.cells] if c and c.cells else [])]
    head = ("cell", *((c.first, c.second)[: len(policies)] if c else ("won",)))
    rows = [(same[0].name, *(_share(cell.success) for cell in same)) for same in zip(*policies, strict=True)]
    return table(head, rows)


def timing(story: Story) -> Html:
    """What is stored of it: of the last start."""
    if not story.told:
        return Html()
    r = story.told.realtime
    rows = [("ticks", f"{r.ticks:,}"), ("missed", f"{r.missed:,}")]
    if story.config.lockstep:
        words = "Time was simulated: the arm waits for its ticks, and none can be late."
    else:
        tick_ms = 1e3 / story.config.env.fps
        words = f"A tick is {tick_ms:.1f} ms. Lateness is that of waking up for one, in the last start."
        named = (
            ("median", r.lateness_p50_us),
            ("99 % below", r.lateness_p99_us),
            ("worst", r.lateness_max_us),
        )
        rows += [(f"lateness, {name}", f"{us / 1e3:.3f} ms") for name, us in named]
    return join([tag("p", words), table((), [*rows, ("processes started again", str(r.restarts))])])


def troubles(story: Story) -> Html:
    """From the log, and what was otherwise than before."""
    otherwise = story.handed.differs if story.handed else []
    rows = [(t.first, t.who, t.level.lower(), t.text, f"{t.times}x") for t in story.troubles[:TROUBLES]]
    left = len(story.troubles) - len(rows)
    parts = [tag("ul", *(tag("li", line) for line in otherwise))] if otherwise else []
    log = table(("first", "process", "", "what it said", "times"), rows)
    parts += [tag("div", log, class_="wide log")] if rows else []
    parts += [tag("p", f"{left} more are in log.txt.")] if left else []
    parts = parts or [tag("p", "None in the log.")]
    if counters := counters_of(story.path):
        parts += [
            tag("p", "Counted in its last start:"),
            table((), [(k, f"{n:,}") for k, n in counters.items()]),
        ]
    return join(parts)


def provenance(story: Story) -> dict[str, str]:
    """What the run's files know of it; what they do not is absent."""
    last = story.provenances[-1] if story.provenances else None
    commits = dict.fromkeys(f"{o.version} {o.commit}".strip() for o in story.provenances)
    meta, conditions = story.meta, story.handed.conditions if story.handed else None
    found = {
        "hilrt": ", then ".join(commits),
        "starts": str(len(story.provenances) or ""),
        "Python": last.python if last else "",
        "system": last.system if last else "",
        "processor": f"{last.processor}, {last.cores} cores" if last else "",
        "GPU": ", ".join(last.gpus) if last else "",
        "learner.device": story.config.learner.device,
        "config.toml, xxh3": xxhash.xxh3_64_hexdigest(story.task_file.encode()),
        "arm's description (URDF), xxh3": conditions.urdf if conditions else "",
        "newest checkpoint's task file values, xxh3": meta.config if meta else "",
        "newest checkpoint's actor, xxh3": meta.digests.get("actor.safetensors", "") if meta else "",
        "encoder, SHA-256": meta.encoder if meta else "",
        "folder": str(story.path),
    }
    return {name: value for name, value in found.items() if value}


def _share(r: Rate) -> str:
    return f"{r.successes}/{r.episodes}, {r.low:.0%} .. {r.high:.0%}" if r.episodes else "-"
