"""Tensors of a file that `torch.save` wrote, without unpickling it.

Such a file is a zip of the tensors' bytes and of a pickle program that says which is which. `pickletools` lists the
program's instructions; the few that a dictionary of tensors needs are carried out here on plain values. Names in it
are compared with four that are known, and never imported or called.
"""

import io
import math
import pickletools
import struct
import zipfile
from typing import Any, NamedTuple

import torch
from torch import Tensor

_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_VALUES = {"BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE"}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_DTYPES = {
    "torch FloatStorage": torch.float32,
    "torch HalfStorage": torch.float16,
    "torch BFloat16Storage": torch.bfloat16,
    "torch LongStorage": torch.int64,
}


_DAMAGE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    struct.error,
    LookupError,
    RuntimeError,  # of torch and of zipfile, NotImplementedError with it
    AttributeError,
    TypeError,
    ArithmeticError,
    EOFError,
    OSError,
)
"""What the libraries raise where a file is not what it was."""


class _Name(str):
    """A global that the program names: module and name, with a space between."""

    __slots__ = ()


class _View(NamedTuple):
    """A tensor as the program describes it."""

    dtype: torch.dtype
    file: str
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


def read_torch_file(data: bytes) -> dict[str, Tensor]:
    """The tensors of a dictionary that `torch.save` wrote, by name.

    Raises:
        ValueError: it is no such file, is damaged, or has something else in it.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if any(part.compress_type != zipfile.ZIP_STORED for part in archive.infolist()):
                raise ValueError("it is compressed, which torch never does")
            (program,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
            folder = program.removesuffix("data.pkl")
            views = _Machine().run(archive.read(program))
            return {name: _tensor(archive.read(f"{folder}data/{v.file}"), v) for name, v in views.items()}
    except _DAMAGE as error:
        raise ValueError(str(error)) from None


def _tensor(data: bytes, view: _View) -> Tensor:
    if math.prod(view.size) * view.dtype.itemsize > len(data):
        raise ValueError(f"a tensor of {view.size} in {len(data)} bytes")
    whole = torch.frombuffer(bytearray(data), dtype=view.dtype)
    return whole.as_strided(view.size, view.stride, view.offset).clone()


class _Machine:
    """What a pickle program of protocol 2 works on; a method for each instruction that is known."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def run(self, program: bytes) -> dict[str, _View]:
        """Carry the program out; it must leave one dictionary."""
        for opcode, argument, _ in pickletools.genops(program):
            self._step(opcode.name, argument)
        (result,) = self._stack
        return dict(result)

    def _step(self, name: str, argument: Any) -> None:  # noqa: ANN401 - whatever the program says
        if name in _VALUES:
            self._stack.append(argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        elif name in _TUPLES:
            self._stack.append(tuple(self._cut(len(self._stack) - _TUPLES[name])))
        elif name not in {"PROTO", "STOP"}:
            method = getattr(self, f"_{name.lower().removeprefix('long_')}", None)
            if method is None:
                raise ValueError(f"it is more than a dictionary of tensors (instruction {name})")
            method(argument)

    def _cut(self, place: int) -> list[Any]:
        """Take what lies on the stack from `place` on."""
        taken = self._stack[place:]
        del self._stack[place:]
        return taken

    def _global(self, name: str) -> None:
        self._stack.append(_Name(name))

    def _mark(self, _: None) -> None:
        self._marks.append(len(self._stack))

    def _binput(self, place: int) -> None:
        self._memo[place] = self._stack[-1]

    def _binget(self, place: int) -> None:
        self._stack.append(self._memo[place])

    def _empty_dict(self, _: None) -> None:
        self._stack.append({})

    def _tuple(self, _: None) -> None:
        self._stack.append(tuple(self._cut(self._marks.pop())))

    def _setitem(self, _: None) -> None:
        key, value = self._cut(len(self._stack) - 2)
        self._stack[-1][key] = value

    def _setitems(self, _: None) -> None:
        items = self._cut(self._marks.pop())
        self._stack[-1].update(zip(items[::2], items[1::2], strict=True))

    def _build(self, _: None) -> None:
        self._stack.pop()  # what `state_dict` notes about versions of modules

    def _binpersid(self, _: None) -> None:
        self._stack.append(_storage(*self._stack.pop()))

    def _reduce(self, _: None) -> None:
        name, arguments = self._cut(len(self._stack) - 2)
        self._stack.append(_made(name, arguments))


def _storage(_kind: str, dtype: _Name, file: str, _device: str, _length: int) -> tuple[torch.dtype, str]:
    return _DTYPES[dtype], file


def _made(name: _Name, arguments: tuple[Any, ...]) -> object:
    """What a call would return."""
    match str(name):
        case "collections OrderedDict":
            return {}
        case "torch._utils _rebuild_tensor_v2":
            (dtype, file), offset, size, stride, *_ = arguments
            return _View(dtype, file, offset, size, stride)
        case "torch._utils _rebuild_parameter":
            return arguments[0]
    raise ValueError(f"it is more than a dictionary of tensors (a call of {name})")
