"""Makes configuration.md from hilrt/config.py, so that the page cannot say anything else than the code."""

import ast
import sys
from itertools import pairwise
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "hilrt" / "config.py"
PAGE = Path(__file__).with_suffix(".md")
HEAD = """# Configuration

One TOML file per task. This page is made from `hilrt/config.py` by `just docs`.

* Relative paths start at the working directory.
* `--set table.key=value` overrides a value on the command line; the right side is TOML, or plain text.
* A key that is not listed here is an error.
"""


def main() -> int:
    """Write the page; with --check, only say whether it is up to date."""
    page = render(ast.parse(SOURCE.read_text(encoding="utf-8")))
    if "--check" in sys.argv:
        return (
            0
            if PAGE.read_text(encoding="utf-8") == page
            else "docs/configuration.md is stale: run `just docs`"
        )
    PAGE.write_text(page, encoding="utf-8")
    return 0


def render(module: ast.Module) -> str:
    """The whole page, tables in the order in which a task file has them."""
    tables = {node.name: node for node in module.body if isinstance(node, ast.ClassDef)}
    return HEAD + "".join(section(tables, "Config", ""))


def section(tables: dict[str, ast.ClassDef], name: str, path: str) -> list[str]:
    """One struct, then the structs inside it."""
    rows, inner = [], []
    for field, note in fields(tables[name]):
        key, kind = field.target.id, ast.unparse(field.annotation)
        inside = next((t for t in tables if t in kind.replace("[", " ").replace("]", " ").split()), None)
        if inside:
            step = f"{key}.<name>" if kind.startswith("dict") else key
            inner.append((inside, f"{path}.{step}" if path else step))
        else:
            default = f"`{ast.unparse(field.value)}`" if field.value else "required"
            rows.append(f"| `{key}` | `{kind.replace('|', chr(92) + '|')}` | {default} | {note} |\n")
    title = f"\n## {'Top level' if not path else f'[{path}]'}\n\n{ast.get_docstring(tables[name])}\n\n"
    table = ["| key | type | default | meaning |\n|---|---|---|---|\n", *rows] if rows else []
    nested = [line for child, where in inner for line in section(tables, child, where)]
    return [title, *table, *nested] if rows else nested


def fields(struct: ast.ClassDef) -> list[tuple[ast.AnnAssign, str]]:
    """Each field with the text below it."""
    body = [*struct.body, None]
    return [
        (node, text_of(after))
        for node, after in pairwise(body)
        if isinstance(node, ast.AnnAssign)
    ]


def text_of(node: ast.stmt | None) -> str:
    """A docstring's text on one line."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return " ".join(str(node.value.value).split())
    return ""


if __name__ == "__main__":
    sys.exit(main())
