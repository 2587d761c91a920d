"""The whole page, of one run or of several."""

import json
from collections.abc import Sequence
from itertools import cycle

from hilrt.report.options import differing, options
from hilrt.report.page.curves import COLOURS, curve_of
from hilrt.report.page.markup import Html, join, section, table, tag
from hilrt.report.page.outcome import NONE, figures, outcome
from hilrt.report.page.parts import learning, one_run
from hilrt.report.page.story import Story

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""Content security: whatever should ever get into the page, a browser loads nothing and runs nothing."""
STYLE = Html("""
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1b1b; background: #fff; max-width: 62rem; margin: 2rem auto;
  padding: 0 1.2rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid #ccc; break-after: avoid; }
header p { margin: .2rem 0; color: #555; overflow-wrap: anywhere; }
header p.run { color: #1b1b1b; margin: .6rem 0; }
header p.outcome { font-size: 1.15rem; color: #1b1b1b; margin: .9rem 0; }
p.unfinished { border-left: 4px solid #d55e00; padding-left: .7rem; color: #8a3c00; }
div.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .25rem 1.2rem .25rem 0; border-bottom: 1px solid #e4e4e4;
  overflow-wrap: anywhere; }
th { font-weight: 600; } tbody th { font-weight: 400; color: #555; min-width: 9rem; }
div.runs th, div.runs td { padding-left: .4rem; min-width: 8rem; }
div.log th, div.log td { white-space: nowrap; } div.log td:nth-child(4) { white-space: normal; }
h2 + p { break-after: avoid; }
span.mark { display: block; height: .3rem; margin-bottom: .25rem; }
figure { margin: 1rem 0; break-inside: avoid; } figcaption { font-size: .85rem; color: #555; }
img { max-width: 100%; height: auto; } svg { width: 100%; height: auto; }
pre { font-size: .8rem; background: #f6f6f6; padding: .8rem; white-space: pre-wrap; overflow-wrap: anywhere; }
@page { margin: 15mm; }
@media print { body { font-size: 10.5pt; margin: 0; padding: 0; max-width: none; } section { break-inside: auto; }
  tr { break-inside: avoid; } details::details-content { content-visibility: visible; display: block; } }
""")


def document(stories: Sequence[Story]) -> str:
    """The page of one run, or the comparison of several."""
    one = stories[0] if len(stories) == 1 else None
    title = f"{one.config.env.task}: {one.name}" if one else f"{len(stories)} runs compared"
    body = join([_head(one), one_run(one, curve_of(one))]) if one else _several(stories)
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        tag("meta", name="viewport", content="width=device-width"),
        tag("title", title),
        tag("style", STYLE),
    )
    return f"<!doctype html>\n{tag('html', head, tag('body', body), lang='en')}\n"


def _head(story: Story) -> Html:
    sides = ", ".join(filter(None, (arm.id for arm in story.config.sides.values())))
    nature = (
        "Gymnasium environment"
        if story.config.in_environment
        else "simulated"
        if story.config.sim
        else "real"
    )
    arm = f"{story.config.robot_name} ({', '.join(filter(None, (sides, nature)))})"
    found = figures(story)
    when = f"began {found['began']}" + (
        f", {time_} h" if (time_ := found.get("duration of its last start")) else ""
    )
    cameras = ", ".join(story.config.robot.cameras) or "none"
    return tag(
        "header",
        tag("h1", story.config.env.task),
        tag("p", f"{story.job}, {arm}, cameras: {cameras}, {when}"),
        tag("p", story.name),
        tag("p", outcome(story), class_="outcome"),
        *_unfinished(story),
    )


def _unfinished(story: Story) -> list[Html]:
    return [tag("p", story.unfinished, class_="unfinished")] if story.unfinished else []


def _several(stories: Sequence[Story]) -> Html:
    curves, colours = [curve_of(story) for story in stories], cycle(COLOURS)
    heads = [
        _column(story, next(colours) if curve else "none")
        for story, curve in zip(stories, curves, strict=True)
    ]
    columns = [figures(story) for story in stories]
    names = dict.fromkeys(name for column in columns for name in column)
    rows = [(name, *(column.get(name, NONE) for column in columns)) for name in names]
    differ = differences(stories)
    unlike = _wide(table(("", *heads), differ)) if differ else tag("p", "Nothing.")
    return join(
        [
            tag("header", tag("h1", f"{len(stories)} runs compared"), *map(_in_words, stories)),
            section("In figures", _wide(table(("", *heads), rows))),
            section("Learning", *learning([curve for curve in curves if curve])),
            section("What differs in their task files", unlike),
        ]
    )


def _in_words(story: Story) -> Html:
    words = tag("p", tag("b", story.name), ": ", outcome(story), class_="run")
    return join([words, *_unfinished(story)])


def _column(story: Story, colour: str) -> Html:
    """Head of a column, under the colour of its curve."""
    return join([tag("span", class_="mark", style=f"background: {colour}"), story.name])


def _wide(inner: Html) -> Html:
    return tag("div", inner, class_="wide runs")


def differences(stories: Sequence[Story]) -> list[tuple[str, ...]]:
    """Each option whose values are not all equal, with its value in each; what a file leaves out has its default."""
    found = differing([options(story.config, story.path) for story in stories])
    return [(name, *map(_plain, values)) for name, values in found.items()]


def _plain(value: object) -> str:
    if value is None:
        return NONE
    return value if isinstance(value, str) else json.dumps(value)
