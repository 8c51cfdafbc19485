"""The source files of this package that a module depends on, by its `import` statements."""

import ast
import functools
import pathlib

import tfstyle
from tfstyle import registry

_PACKAGE = pathlib.Path(tfstyle.__file__).parent
_TABLES = {"ARCHITECTURES": registry.ARCHITECTURES, "STYLE_LOSSES": registry.STYLE_LOSSES}


@functools.cache
def sources(module: str) -> frozenset[pathlib.Path]:
    """Files of a module and of what it imports of this package, directly or not.

    Imports inside functions count, and so do entries of `registry`'s tables that a module resolves.

    Args:
        module: such as "tfstyle.optimization.renderer".
    """
    found: dict[str, pathlib.Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _file(name)
        if name in found or path is None:
            continue
        found[name] = path
        tree = ast.parse(path.read_text(encoding="utf-8"))
        waiting += [*_imported(tree), *_resolved(tree)]
        waiting.append(name.rpartition(".")[0])  # importing a module runs its package first
    return frozenset(found.values())


def code(path: pathlib.Path) -> str:
    """A file's code without what has no effect: comments, docstrings, texts of `--help`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            if ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:] or [ast.Pass()]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "option":
            node.args = node.args[:1]  # the default, without the help
    return ast.unparse(tree)


def _file(module):
    path = _PACKAGE.joinpath(*module.split(".")[1:])
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if module.partition(".")[0] == "tfstyle" and file.is_file():
            return file
    return None


def _imported(tree):
    """Names of modules, and of what might be one, that a file imports."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
            names += [f"{node.module}.{one.name}" for one in node.names]
    return names


def _resolved(tree):
    """Names of modules in the tables that a file reads, if it resolves anything."""
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    if "resolve" not in used:
        return []
    return [
        place.partition(":")[0] for name in used & set(_TABLES) for place in _TABLES[name].values()
    ]
