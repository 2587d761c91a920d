"""What each option means: the text below its field, which Python itself does not keep."""

import ast
import inspect
from itertools import pairwise


def notes_of(struct: type) -> dict[str, str]:
    """The text below each field of a struct that has one, on one line."""
    (node,) = ast.parse(inspect.getsource(struct)).body
    assert isinstance(node, ast.ClassDef)
    return {
        field.target.id: " ".join(str(after.value.value).split())
        for field, after in pairwise(node.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
    }
