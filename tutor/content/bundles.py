"""The bundle: reading it from a zip, and its canonical form.

The canonical form has every optional key filled in and every list in a fixed order, so that a
bundle, its import, its export and the stored version can be compared byte for byte.
"""

import base64
import gzip
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from tutor.content.archives import Files
from tutor.content.decoding import json_read
from tutor.content.errors import ContentUnreadableError

Document = dict[str, Any]

FORMAT = "stepwise-bundle"
FORMAT_VERSION = 1
ORDER_STEP = 10


def bundle_from_files(files: Files) -> Document:
    """Read `bundle.json` and put the files of `assets/` beside it into the document.

    Raises: ContentUnreadableError
    """
    root = bundle_root(files.names)
    if root is None:
        raise ContentUnreadableError(_("The zip holds no bundle.json; expected one at its top."))
    document = json_read(files.read(f"{root}bundle.json"), name="bundle.json")
    if not isinstance(document, dict):
        raise ContentUnreadableError(_("bundle.json holds no object; expected a course bundle."))
    folder = f"{root}assets/"
    assets = document.get("assets", [])
    for asset in assets if isinstance(assets, list) else []:
        name = f"{folder}{asset.get('id')}" if isinstance(asset, dict) else ""
        if name in files.names and "data" not in asset:
            asset["data"] = base64.b64encode(files.read(name)).decode()
    return document


def files_unnamed(files: Files, document: Mapping[str, Any]) -> list[str]:
    """Files beside bundle.json that are no picture which the bundle names."""
    root = bundle_root(files.names) or ""
    assets = document.get("assets", [])
    listed = assets if isinstance(assets, list) else []
    named = {f"{root}assets/{asset.get('id')}" for asset in listed if isinstance(asset, dict)}
    return [name for name in files.names if name not in {*named, f"{root}bundle.json"}]


def bundle_root(names: Iterable[str]) -> str | None:
    """Where bundle.json stands: at the top, or in the one folder that many tools wrap around."""
    found = [name for name in names if name == "bundle.json" or name.endswith("/bundle.json")]
    shallow = [name for name in found if name.count("/") <= 1]
    return shallow[0].removesuffix("bundle.json") if len(shallow) == 1 else None


def canonical(bundle: Mapping[str, Any]) -> Document:
    """Give the canonical form of a valid bundle; canonical forms stay as they are."""
    course = bundle["course"]
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "course": {
            "id": course["id"],
            "title": course["title"],
            "description": course.get("description", ""),
            "language": course.get("language", "en"),
            "licence": course.get("licence", ""),
            "attribution": course.get("attribution", ""),
        },
        "skills": [
            {"id": s["id"], "title": s["title"], "description": s.get("description", "")}
            for s in bundle["skills"]
        ],
        "prerequisites": sorted(
            (canonical_edge(edge) for edge in bundle.get("prerequisites", [])), key=edge_key
        ),
        "lessons": _ordered(
            canonical_lesson(lesson, place=place)
            for place, lesson in enumerate(bundle.get("lessons", []))
        ),
        "problems": _ordered(
            canonical_problem(problem, place=place)
            for place, problem in enumerate(bundle.get("problems", []))
        ),
        "assets": sorted(
            (canonical_asset(asset) for asset in bundle.get("assets", [])),
            key=lambda asset: str(asset["id"]),
        ),
    }


def _ordered(documents: Iterable[Document]) -> list[Document]:
    return sorted(documents, key=lambda document: (document["order"], document["id"]))


def edge_key(edge: Mapping[str, Any]) -> tuple[str, str, str]:
    """What makes an edge one and the same: from, to, kind."""
    return edge["from"], edge["to"], edge["kind"]


def canonical_edge(edge: Mapping[str, Any]) -> Document:
    """Fill in an edge."""
    return {
        "from": edge["from"],
        "to": edge["to"],
        "kind": edge.get("kind", "prerequisite"),
        "weight": float(edge.get("weight", 1.0)),
        "source": edge.get("source", "authored"),
        "reason": edge.get("reason", ""),
        "via": list(edge.get("via", [])),
    }


def canonical_lesson(lesson: Mapping[str, Any], *, place: int) -> Document:
    """Fill in a lesson; `place` gives the order where the author gave none."""
    return {
        "id": lesson["id"],
        "title": lesson["title"],
        "skills": sorted(lesson["skills"]),
        "order": lesson.get("order", (place + 1) * ORDER_STEP),
        "body": lesson.get("body", ""),
        "worked_examples": [
            {
                "title": example.get("title", ""),
                "body": example.get("body", ""),
                "steps": list(example.get("steps", [])),
                # Left out where there are none, so that lessons without gaps stay as they are.
                **({"gaps": list(example["gaps"])} if example.get("gaps") else {}),
                **({"closing": example["closing"]} if example.get("closing") else {}),
            }
            for example in lesson.get("worked_examples", [])
        ],
    }


def canonical_problem(problem: Mapping[str, Any], *, place: int) -> Document:
    """Fill in a problem; `place` gives the order where the author gave none."""
    return {
        "id": problem["id"],
        "lesson": problem["lesson"],
        "title": problem.get("title", ""),
        "order": problem.get("order", (place + 1) * ORDER_STEP),
        "body": problem.get("body", ""),
        "licence": problem.get("licence", ""),
        "attribution": problem.get("attribution", ""),
        "variables": dict(problem.get("variables", {})),
        "constraints": list(problem.get("constraints", [])),
        "steps": [_canonical_step(step) for step in problem["steps"]],
    }


def _canonical_step(step: Mapping[str, Any]) -> Document:
    return {
        "id": step["id"],
        "prompt": step.get("prompt", ""),
        "skills": sorted(step["skills"]),
        "answer": dict(step["answer"]),
        "choices": [_canonical_choice(choice) for choice in step.get("choices", [])],
        "feedback": [
            _named({"answer": entry["answer"], "text": entry["text"]}, entry, "misconception")
            for entry in step.get("feedback", [])
        ],
        "hints": [_canonical_hint(hint) for hint in step.get("hints", [])],
        "solution": step.get("solution", ""),
    }


def _canonical_choice(choice: Mapping[str, Any]) -> Document:
    filled = {
        "id": choice["id"],
        "text": choice["text"],
        "feedback": choice.get("feedback", ""),
    }
    return _named(filled, choice, "misconception")


def _canonical_hint(hint: Mapping[str, Any]) -> Document:
    filled = {
        "id": hint["id"],
        "kind": hint.get("kind", "hint"),
        "title": hint.get("title", ""),
        "text": hint["text"],
        "depends_on": list(hint.get("depends_on", [])),
        "choices": [_canonical_choice(choice) for choice in hint.get("choices", [])],
    }
    return _named(filled, hint, "answer", "parent")


def _named(filled: Document, source: Mapping[str, Any], *keys: str) -> Document:
    """Add keys whose absence says something that no filled-in value could."""
    return filled | {key: source[key] for key in keys if source.get(key)}


def canonical_asset(asset: Mapping[str, Any]) -> Document:
    """Fill in an asset's checksum and write its bytes in plain base64."""
    data = base64.b64decode(asset["data"])
    return {
        "id": asset["id"],
        "media_type": asset["media_type"],
        "sha256": hashlib.sha256(data).hexdigest(),
        "data": base64.b64encode(data).decode(),
    }


def json_canonical(document: Any) -> bytes:
    """Write JSON in one way only: sorted keys, no spaces, UTF-8."""
    return json.dumps(
        document, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def checksum(document: Any) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    return hashlib.sha256(json_canonical(document)).hexdigest()


def problem_checksum(problem: Mapping[str, Any]) -> str:
    """SHA-256 of what a learner is shown: moving a problem makes no new revision."""
    return checksum({k: v for k, v in problem.items() if k not in {"lesson", "order"}})


def bundle_pack(bundle: Mapping[str, Any]) -> bytes:
    """Gzip a canonical bundle; the same bundle gives the same bytes."""
    return gzip.compress(json_canonical(bundle), compresslevel=6, mtime=0)


def bundle_unpack(packed: bytes) -> Document:
    """Undo `bundle_pack`."""
    document: Document = json.loads(gzip.decompress(packed))
    return document
