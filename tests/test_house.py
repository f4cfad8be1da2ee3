"""Rules of the house that no linter holds."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tutor.env import BASE_DIR

HEAVY = ("torch", "pyro", "sklearn", "scipy", "matplotlib")
TORCH_FREE = (
    *("arrays", "protocol", "split", "evaluate", "baselines", "artifacts", "registry", "errors"),
    *("bkt", "psi_kt.filter", "psi_kt.forecast"),
)
TEMPLATES = sorted((BASE_DIR / "templates").rglob("*.html"))
CODE = sorted(
    path
    for room in ("tutor", "kt_models")
    for path in (BASE_DIR / room).rglob("*.py")
    if "migrations" not in path.parts
)


def fresh(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=BASE_DIR,
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def heavy_after(imports: str) -> str:
    done = fresh(
        f"{imports}\nimport sys\nprint(','.join(name for name in {HEAVY!r} if name in sys.modules))"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def module_of(path: Path) -> str:
    parts = path.relative_to(BASE_DIR).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules_of_kt_models() -> list[str]:
    found = []
    for name in TORCH_FREE:
        path = BASE_DIR / "kt_models" / Path(*name.split("."))
        if path.is_dir():
            found += [module_of(module) for module in sorted(path.rglob("*.py"))]
        elif path.with_suffix(".py").exists():
            found.append(f"kt_models.{name}")
    return found


def test_a_web_worker_does_not_load_torch() -> None:
    heavy = heavy_after(
        "import tutor.wsgi\n"
        # Views are imported with the first request only: a worker has them all before long.
        "from django.urls import get_resolver\nget_resolver().url_patterns"
    )
    assert heavy == ""


@pytest.mark.parametrize("module", modules_of_kt_models())
def test_a_torch_free_module_of_kt_models_loads_no_torch(module: str) -> None:
    heavy = heavy_after(f"import {module}")
    assert "torch" not in heavy
    assert "pyro" not in heavy


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("STEPWISE_PORT", "http", "STEPWISE_PORT"),
        ("STEPWISE_DEBUG", "maybe", "STEPWISE_DEBUG"),
        ("DATABASE_URL", "mysql://x/y", "DATABASE_URL"),
        ("STEPWISE_PROT", "8000", "STEPWISE_PROT is not a setting; did you mean STEPWISE_PORT?"),
    ],
)
def test_a_bad_setting_stops_start_up_by_name(name: str, value: str, said: str) -> None:
    done = fresh(
        "import django; django.setup()",
        **{
            "DJANGO_SETTINGS_MODULE": "tutor.settings",
            name: value,
        },
    )
    assert done.returncode != 0
    assert said in done.stderr


def test_a_bad_secret_is_named_but_not_shown() -> None:
    done = fresh("import tutor.settings", STEPWISE_SECRET_KEY="sesame")
    assert "STEPWISE_SECRET_KEY" in done.stderr
    assert "sesame" not in done.stderr


def test_init_files_stay_empty() -> None:
    filled = [str(path) for path in CODE if path.name == "__init__.py" and path.read_text().strip()]
    assert filled == []


def test_there_are_templates_to_look_at() -> None:
    assert len(TEMPLATES) > 5


@pytest.mark.parametrize(
    "path", TEMPLATES, ids=lambda path: str(path.relative_to(BASE_DIR / "templates"))
)
def test_a_template_has_nothing_inline(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"<style\b", text)
    assert not re.search(r"\sstyle\s*=", text)
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text)
    assert not re.search(r"javascript:", text)
    for tag in re.findall(r"<script\b[^>]*>", text):
        is_data = re.search(r'type="application/(json|ld\+json)"', tag)
        assert "src=" in tag or is_data, tag


@pytest.mark.parametrize(
    "path", TEMPLATES, ids=lambda path: str(path.relative_to(BASE_DIR / "templates"))
)
def test_a_template_brings_nothing_from_other_sites(path: Path) -> None:
    for tag in re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", path.read_text()):
        assert not re.search(r'(?:src|href)="(?:https?:)?//', tag), tag


def test_every_public_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(BASE_DIR))
        for path in CODE
        if path.name not in {"__init__.py", "apps.py"}
        and ast.get_docstring(ast.parse(path.read_text())) is None
    ]
    assert silent == []


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    long = {
        str(path.relative_to(BASE_DIR)): n_lines
        for path in CODE
        if (n_lines := len(path.read_text().splitlines())) > 400
    }
    assert long == {}


def test_nobody_reads_the_clock_but_the_clock() -> None:
    readers = [
        str(path.relative_to(BASE_DIR))
        for path in CODE
        if path != BASE_DIR / "tutor" / "common" / "clock.py"
        and re.search(r"datetime\.(now|utcnow|today)\(|timezone\.now\(", path.read_text())
    ]
    assert readers == []


def test_docs_settings_documents_the_settings_and_nothing_else() -> None:
    from tutor.env import SETTINGS

    text = (BASE_DIR / "docs" / "settings.md").read_text()
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.*?) \| (.*?) \|$", text, re.MULTILINE)
    documented = {name: (default, meaning) for name, default, meaning in rows}
    assert len(rows) == len(documented)
    expected = {
        setting.name: (
            _default_shown(setting.default),
            setting.help,
        )
        for setting in SETTINGS
    }
    assert documented == expected


def _default_shown(default: str | None) -> str:
    if default is None:
        return "unset"
    if default == "":
        return "empty"
    if default == str(BASE_DIR / "var"):
        return "`var` beside `manage.py`"
    return f"`{default}`"
