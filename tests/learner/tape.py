"""What a GPU does when it records and replays, on a CPU: operators, and the places in memory that they work on."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

WAITING = {"_local_scalar_dense", "nonzero", "equal", "masked_select", "is_nonzero", "_unique2", "lift_fresh"}
"""Operators that a GPU cannot record, because the host waits for their result or hands them its own values."""


class HostDependencyError(AssertionError):
    """The host takes part in the step."""


class _Recorder(TorchDispatchMode):
    def __init__(self, note: Callable[..., None]) -> None:
        super().__init__()
        self._note = note

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        masks = any(isinstance(t, Tensor) and t.dtype == torch.bool for t in tensors(args[1:]))
        if name in WAITING or (name.startswith("index") and masks):
            raise HostDependencyError(str(func))
        out = func(*args, **kwargs)
        self._note(func, args, kwargs, out)
        return out


class Tape:
    """Records operators and runs them again, on the tensors they had."""

    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator
        self._noted: list[tuple[Any, tuple, dict, Any]] = []

    def __len__(self) -> int:
        return len(self._noted)

    def record(self, work: Callable[[], None]) -> None:
        """Do the work, then undo it: as on a GPU, recording changes nothing and draws nothing."""
        written: dict[int, tuple[Tensor, Tensor]] = {}
        random = self._generator.get_state()

        def note(func: Any, args: tuple, kwargs: dict, out: Any) -> None:
            self._noted.append((func, args, kwargs, out))

        with _Saving(written), _Recorder(note):
            work()
        with torch.no_grad():
            for place, before in written.values():
                place.copy_(before)
        self._generator.set_state(random)

    @torch.no_grad()
    def replay(self) -> None:
        """Run every operator again; results go where they went."""
        for func, args, kwargs, out in self._noted:
            sources = {t.untyped_storage().data_ptr() for t in tensors((args, kwargs))}
            again = func(*args, **kwargs)
            for place, value in zip(tensors(out), tensors(again), strict=True):
                if place.untyped_storage().data_ptr() not in sources:
                    place.copy_(value)


class _Saving(TorchDispatchMode):
    """Keeps what in-place operators are about to overwrite, the first time they do."""

    def __init__(self, saved: dict[int, tuple[Tensor, Tensor]]) -> None:
        super().__init__()
        self._saved = saved

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        for argument, value in zip(func._schema.arguments, args, strict=False):
            if argument.alias_info and argument.alias_info.is_write:
                for tensor in tensors(value):
                    self._saved.setdefault(tensor.data_ptr(), (tensor, tensor.detach().clone()))
        return func(*args, **(kwargs or {}))


def tensors(value: Any) -> Iterator[Tensor]:
    """Tensors in nested tuples, lists and dictionaries."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        yield from tensors(list(value.values()))
    elif isinstance(value, tuple | list):
        for part in value:
            yield from tensors(part)
