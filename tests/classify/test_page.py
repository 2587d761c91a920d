"""The words above the page about a classifier."""

from hilrt.classify.judgement import Judgement
from hilrt.classify.page import COLUMNS, title
from hilrt.classify.threshold import Counts

JUDGED = Judgement(
    classes=("failure", "success"),
    loss=0.1234,
    balanced_accuracy=0.975,
    precision=0.961,
    recall=0.883,
    confusion=((90, 2), (3, 80)),
    sessions=((4, 1.0), (12, 0.95)),
    threshold=0.8125,
    counts=Counts(alarms=1, failed=20, told=14, succeeded=15),
)


def test_all_figures_are_above_the_page() -> None:
    """Loss, precision, recall and each session in numbers, and what an episode comes to; in lines that fit."""
    lines = title(JUDGED).split("\n")
    assert lines[0].startswith("episodes held out: balanced accuracy 97.5% of frames, loss 0.123; ")
    assert lines[0].endswith("precision 96.1% and recall 88.3% at a threshold of 0.812")
    assert lines[1:] == [
        "false alarms in 1 of 20 episodes, 14 of 15 successes noticed",
        "balanced accuracy by session 1, 4 episodes: 100.0%; session 2, 12 episodes: 95.0%",
    ]
    many = Judgement(
        **{**{f: getattr(JUDGED, f) for f in JUDGED.__struct_fields__}, "sessions": ((4, 1.0),) * 9}
    )
    assert max(map(len, title(many).split("\n"))) <= COLUMNS
    assert title(many).count("session") == 9
