"""Makes the pictures of the guide from a recorded dataset and the classifier beside it: `just pictures DATASET`.

As they are in the guide: of six episodes of configs/sim_so100_pixels.toml, recorded, labelled and learned from as in
tests/test_classifier_jobs.py, whose temporary folder has all of it.
"""

import io
import re
import sys
import time
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.segment import Segment, Segments

from hilrt.data.labelling import Labelling
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.policy.device import CPU
from hilrt.report.labelwindow import LabelWindow
from hilrt.report.panel import render
from hilrt.report.reel import Reel
from hilrt.report.view import View
from hilrt.reward.bundle import Bundle
from hilrt.run.job import Job
from hilrt.shm import status as shm
from hilrt.shm.pictures import Picture
from hilrt.shm.region import Region
from hilrt.step.record import Override

FOLDER = Path(__file__).with_name("pictures")
COLOURS = 64
WIDTH = 1000
"""Of pictures [pixels]; with so few colours they are small files."""
COLUMNS = 80


def main() -> None:
    """Make all of them."""
    root = Path(sys.argv[1])
    FOLDER.mkdir(exist_ok=True)
    save("classifier", Image.open(root.with_name(f"{root.name}.classifier.png")))
    bundle = Bundle.load(root.with_name(f"{root.name}.classifier.safetensors"), CPU)
    save("label", Image.fromarray(label_window(root, bundle.about.make.classes, bundle.about.reward_class)))
    (FOLDER / "bar.svg").write_text(bars(root, bundle))


def save(name: str, picture: Image.Image) -> None:
    """As a small PNG."""
    height = round(picture.height * WIDTH / picture.width)
    small = picture.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS)
    small.quantize(COLOURS).save(FOLDER / f"{name}.png", optimize=True)


def label_window(root: Path, classes: tuple[str, ...], reward_class: str) -> Picture:
    """The window of `hilrt label`, at the first success of the first episode."""
    labelling = Labelling(root, classes[0], reward_class)
    window = LabelWindow(labelling, classes)
    window.index = labelling.classes(0).index(reward_class)
    with Reel(labelling.dataset) as reel:
        while (picture := reel.look(window.number, window.index)) is None:
            time.sleep(0.01)
    return window.drawn(picture)


def bars(root: Path, bundle: Bundle) -> str:
    """The line of the screen: of a first frame, of one of success, and with the operator's word against it."""
    episode = open_dataset(root).episode(0, frames=True)
    first = next(record.step for record in episode.records if record.reward) + 1
    said = [float(bundle.probabilities(episode.images(i))[bundle.about.rewarded]) for i in (0, first)]
    console = Console(width=COLUMNS, record=True, file=io.StringIO())
    for probability, override in ((said[0], 0), (said[1], 0), (said[1], Override.FAILURE)):
        view = blank_view()
        view.control.probability, view.control.threshold = probability, bundle.about.threshold
        view.control.override = override
        lines = console.render_lines(render(view))
        (line,) = (line for line in lines if "classifier" in "".join(part.text for part in line))
        console.print(Segments([*line, Segment.line()]), end="")
    svg = console.export_svg(title="hilrt train", unique_id="bar")
    return re.sub(r"(?s)@font-face \{.*?\}", "", svg)  # nothing is loaded from elsewhere


def blank_view() -> View:
    """Of a training in which nothing has happened."""
    return View(
        now_ns=0,
        run="",
        job=Job.TRAIN,
        goal=0,
        simulated=True,
        pace=None,
        supervisor=blank(shm.SupervisorStatus),
        control=blank(shm.ControlStatus),
        learner=blank(shm.LearnerStatus),
        recorder=blank(shm.RecorderStatus),
        sim=blank(shm.SimStatus),
        cameras=blank(shm.CamerasStatus),
    )


def blank(kind: type[Region]) -> Region:
    """A process's part of the status block that nobody has written to."""
    return kind(memoryview(bytearray(kind.blank())))


if __name__ == "__main__":
    main()
