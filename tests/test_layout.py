"""Imports point one way, as docs/architecture.md shows, and no module is too long to read."""

import ast
import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "tfstyle"
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
LONGEST = 300  # lines


def floors_of_page():
    """The floors of the page, the highest first: each a set of parts of the package."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    block = re.search(r"^```floors\n(.*?)^```$", page, flags=re.M | re.S)[1]
    return [set(re.findall(r"^\S+|(?<= · )\S+", line)) for line in block.splitlines()]


def part_of(module):
    return module.split(".")[1] if "." in module else "tfstyle"


def imports_of(path):
    """Names of modules that a file imports, but for type checkers alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    hidden = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in hidden:
            continue
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            inner = [f"{node.module}.{one.name}" for one in node.names]
            yield from (name if name in MODULES else node.module for name in inner)


EDGES = {name: {i for i in imports_of(path) if i in MODULES} for name, path in MODULES.items()}


def test_the_page_has_every_part():
    parts = {part_of(module) for module in MODULES} - {"tfstyle"}
    listed = [part for floor in floors_of_page() for part in floor]
    assert sorted(listed) == sorted(parts)


def test_the_picture_shows_the_floors_of_the_page():
    picture = (ROOT / "docs" / "architecture.svg").read_text(encoding="utf-8")
    boxes = re.findall(r'y="(\d+)" width.*?<text[^>]*>(.+?)</text>', picture)
    rows = {}
    for height, part in boxes:
        rows.setdefault(int(height), set()).add(part)
    assert [rows[height] for height in sorted(rows)] == floors_of_page()


def test_imports_point_down():
    height = {part: -place for place, floor in enumerate(floors_of_page()) for part in floor}
    upward = [
        f"{module} imports {other}"
        for module, others in EDGES.items()
        for other in others
        if "tfstyle" not in (module, other)  # the package itself holds the version alone
        and part_of(module) != part_of(other)
        and height[part_of(other)] >= height[part_of(module)]
    ]
    assert upward == []


def test_no_module_imports_itself_by_others():
    finished = set()

    def visit(module, way):
        assert module not in way, " → ".join([*way[way.index(module) :], module])
        if module not in finished:
            for other in sorted(EDGES[module]):
                visit(other, [*way, module])
            finished.add(module)

    for module in MODULES:
        visit(module, [])


def test_no_module_is_long():
    lengths = {name: len(path.read_text("utf-8").splitlines()) for name, path in MODULES.items()}
    assert {name: n for name, n in lengths.items() if n > LONGEST} == {}


def test_no_two_modules_have_one_name():
    """But for a program, its flags and, at the top, its script."""
    names = [
        path.stem
        for path in MODULES.values()
        if path.stem != "__init__" and path.parent.name not in ("commands", "config")
    ]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("module", ["stylization", "optimization", "models", "__main__", "config"])
def test_what_is_imported_first_is_light(module):
    heavy = "{'tensorflow', 'keras', 'numpy'} & {*sys.modules}"
    code = f"import sys, tfstyle.{module}; print({heavy})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert found.stdout.strip() == "set()", found.stderr


def needed_by(*modules):
    """These modules, the packages that they are in, and all that they import when imported."""
    found = set()
    while modules:
        parents = {name.rpartition(".")[0] for name in modules} & MODULES.keys()
        found |= {*modules}
        modules = {i for m in modules for i in top_level(m) if i in MODULES} | parents
        modules -= found
    return found


def top_level(module):
    """Names of modules that a module imports when it is imported."""
    for node in ast.parse(MODULES[module].read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{one.name}" for one in node.names]
            yield from (name if name in MODULES else node.module for name in names)


def test_models_and_what_tools_train_them_with_load_without_tensorflow():
    """Their modules import it only within functions, for what other backends lack."""
    parts = {"models", "layers", "losses", "encoders", "statistics", "covariances", "images"}
    modules = [name for name in MODULES if part_of(name) in parts]
    needed = needed_by(*modules, "tfstyle.training.new_models")
    assert "tfstyle.runtime.devices" in needed and "tfstyle.training" in needed
    found = [(one, name) for one in needed for name in top_level(one) if "tensorflow" in name]
    assert found == []
