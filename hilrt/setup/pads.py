"""A gamepad, control by control: what hilrt takes each for, and a layout for one that it does not know."""

import asyncio

import msgspec
from evdev import AbsInfo, InputEvent, ecodes

from hilrt.devices.hotplug import find, refused
from hilrt.devices.inputdevice import Entry, InputDevice
from hilrt.devices.pad import BUTTONS
from hilrt.devices.padlayout import Layout, code_of, keep_layout, layout_of, looks_like_pad, name_of
from hilrt.setup.console import Console

PUSHED, LET_GO = 0.6, 0.3
"""Share of an axis's way, from where it rests, at which it counts as pushed, and as let go."""
PUSHES = {
    "left_x": "push the left stick to the right",
    "left_y": "push the left stick away from you",
    "right_y": "push the right stick away from you",
}
PLACES = {
    "top": "press the top one of the four buttons",
    "bottom": "press the bottom one of the four buttons",
    "left": "press the left one of the four buttons",
    "right_bumper": "press the right bumper",
    "left_bumper": "press the left bumper",
    "left_trigger": "pull the left trigger",
    "right_trigger": "pull the right trigger",
    "back": "press back, select or share",
    "start": "press start, menu or options",
    "dpad_up": "press the cross upwards",
    "dpad_down": "press the cross downwards",
    "dpad_left": "press the cross to the left",
    "dpad_right": "press the cross to the right",
}
MEANINGS = {place: key.name.lower().replace("_", " ") for key, place in BUTTONS.items()}


async def check_pad(console: Console, device: str) -> None:
    """Ask for each control of a gamepad and say what it is taken for; map it where that is wrong, or nothing is known.

    Args:
        console: the operator.
        device: part of the gamepad's name, or its path; empty: the first.

    Raises:
        InputDeviceAbsentError, InputDeviceRefusedError: there is none, or it may not be opened.
        GamepadLayoutsError: the file of layouts cannot be read or written.
    """
    entry = find("gamepad", device, looks_like_pad)
    try:
        opened = InputDevice(entry)
    except OSError as error:
        raise refused(entry, error) from None
    try:
        await _check(console, _Controls(opened))
    except OSError:
        console.say(f"{entry.name} is gone")
    finally:
        opened.close()


async def _check(console: Console, controls: "_Controls") -> None:
    entry, layout = controls.entry, layout_of(controls.entry)
    await console.ask(f"{entry.name}: press any button, let go of everything, then press Enter.")
    controls.rest()
    if layout is None:
        question = f"hilrt does not know how {entry.name} numbers its controls. Map it now?"
    else:
        wrong = [place for place in PLACES if not await _confirmed(console, controls, layout, place)]
        if not wrong:
            console.say(f"all that was pressed is where {layout.name} has it")
            return
        question = f"not where {layout.name} has them: {', '.join(wrong)}. Map this pad anew?"
    if await console.ask(question, ("yes", "no"), "yes") == "yes":
        path = keep_layout(await _mapped(console, controls))
        console.say(f"kept in {path}")


async def _confirmed(console: Console, controls: "_Controls", layout: Layout, place: str) -> bool:
    source = await controls.moved(console, f"{MEANINGS[place]}: {PLACES[place]} (Enter: it has none)")
    if not source:
        return True
    meant = {code_of(name) for name in getattr(layout, place)}
    found = [other for other in PLACES if code_of(source) in {code_of(n) for n in getattr(layout, other)}]
    right = code_of(source) in meant
    console.say(
        "ok"
        if right
        else f"that came as {source}, which is {MEANINGS[found[0]] if found else 'nothing'} here"
    )
    return right


async def _mapped(console: Console, controls: "_Controls") -> Layout:
    entry = controls.entry
    found: dict[str, str | tuple[str, ...]] = {}
    for stick, words in PUSHES.items():
        source = await controls.moved(console, f"{words} (Enter: it has none)", ecodes.EV_ABS)
        away = stick != "left_x"  # the kernel's axes grow to the right and downwards
        found[stick] = source.rstrip("+-") + ("-" if source.endswith("+" if away else "-") else "")
    for place, words in PLACES.items():
        source = await controls.moved(console, f"{MEANINGS[place]}: {words} (Enter: it has none)")
        signed = place.startswith("dpad")  # a trigger is an axis at rest at its minimum
        found[place] = (source if signed else source.rstrip("+-"),) if source else ()
    identity = f"{entry.vendor:04x}:{entry.product:04x}"
    return msgspec.convert({"name": entry.name, "ids": (identity,), **found}, Layout)


class _Controls:
    """What moves on an open pad, by the names of the kernel's codes."""

    def __init__(self, device: InputDevice) -> None:
        self.entry: Entry = device.entry
        self._device = device
        self._spans: dict[int, AbsInfo] = {}

    def rest(self) -> None:
        """Everything is at rest now."""
        self._device.changes()
        self._spans = {code: self._device.absinfo(code) for code in self.entry.axes}

    async def moved(self, console: Console, wish: str, kind: int | None = None) -> str:
        """The control that she moves, let go again; an axis with its direction. Empty if she presses Enter instead.

        `kind`: of the events that count; None: buttons and axes.
        """
        asked = asyncio.ensure_future(console.ask(wish))
        pushed = asyncio.ensure_future(self._pushed(kind))
        try:
            await asyncio.wait({asked, pushed}, return_when=asyncio.FIRST_COMPLETED)
            return pushed.result() if pushed.done() else ""
        finally:
            for waiting in (asked, pushed):
                waiting.cancel()
            await asyncio.gather(asked, pushed, return_exceptions=True)

    async def _pushed(self, kind: int | None) -> str:
        source, pushed = "", None
        while True:
            for event in await self._events():
                if pushed is None:
                    source = self._named(event) if kind in {None, event.type} else ""
                    pushed = event if source else None
                elif self._let_go(pushed, event):
                    return source

    def _named(self, event: InputEvent) -> str:
        """The control that an event pushes; empty if it pushes none."""
        if event.type == ecodes.EV_KEY and event.value == 1:
            return name_of(event.type, event.code)
        if event.type == ecodes.EV_ABS and abs(share := self._share(event)) > PUSHED:
            name = name_of(event.type, event.code)
            return name and name + ("+" if share > 0 else "-")
        return ""

    def _let_go(self, pushed: InputEvent, event: InputEvent) -> bool:
        if (event.type, event.code) != (pushed.type, pushed.code):
            return False
        return event.value == 0 if event.type == ecodes.EV_KEY else abs(self._share(event)) < LET_GO

    def _share(self, event: InputEvent) -> float:
        """How far an axis is from where it rests, of the way that it has there."""
        span = self._spans[event.code]
        way = span.max - span.value if event.value > span.value else span.value - span.min
        return float((event.value - span.value) / max(1, way))

    async def _events(self) -> list[InputEvent]:
        """The next ones; raises OSError when the device goes."""
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(self._device.fd, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(self._device.fd)
        return self._device.changes()
