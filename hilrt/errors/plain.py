"""What Python and msgspec say of a file or a value, in words that need no Python."""

import re

TYPES = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "bytes": "text",
    "null": "nothing",
}
_TYPE = re.compile(r"`((?:\w+)(?: \| \w+)*)`")
_WORDS = (
    (re.compile(r"^[Oo]bject missing required field (`[^`]*`)"), r"\1 is missing"),
    (re.compile(r"^[Oo]bject contains unknown field (`[^`]*`)"), r"unknown key \1"),
    (re.compile(r"^[Ii]nvalid enum value (.*)"), r"\1 is none of what can be chosen"),
    (re.compile(r"matching regex"), "of the form"),
    (re.compile(r" - at `\$\.?([^`]+)`$"), r" (\1)"),
    (re.compile(r" - at `\$`$"), ""),
)


def plain(error: Exception | str) -> str:
    """Such an error in plain words: no names of types, no numbers of errors."""
    if isinstance(error, UnicodeError):
        return "it is not text in UTF-8"
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    text = str(error)
    for found, words in _WORDS:
        text = found.sub(words, text)
    return _TYPE.sub(_type, text) if re.match("[Ee]xpected ", text) else text


def _type(found: re.Match[str]) -> str:
    """Of `int | null` the former: what may be absent is given or not."""
    names = found[1].split(" | ")
    wanted = [name for name in names if name != "null"] or names
    return " or ".join(TYPES[name] for name in wanted) if set(names) <= TYPES.keys() else found[0]
