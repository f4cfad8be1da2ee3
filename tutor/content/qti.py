"""QTI 1.2 packages, Common Cartridges and single QTI 1.2 files to a course.

Canvas writes each quiz twice: in the Common Cartridge's profile and, with all that it knows, in
`non_cc_assessments/`; the fuller one is read. Every item and every resource is taken or listed.
"""

import base64
from collections.abc import Iterator
from pathlib import PurePosixPath
from posixpath import dirname, normpath
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from django.utils.text import slugify
from django.utils.translation import gettext as _

from tutor.content.archives import Files
from tutor.content.bundles import Document
from tutor.content.checks_assets import media_type_of
from tutor.content.errors import ContentUnreadableError
from tutor.content.findings import Progress, progress_ignored
from tutor.content.oatutor import id_from
from tutor.content.origins import Origin
from tutor.content.qti_items import item_convert
from tutor.content.qti_manifest import MANIFEST, Manifest, manifest_read
from tutor.content.qti_parse import fields_of, item_parse
from tutor.content.quizzes import QuizCourse, Unsupported, shown
from tutor.content.xml_reading import all_of, local, text_below, xml_read

_CANVAS_FILES = ("$IMS-CC-FILEBASE$", "%24IMS-CC-FILEBASE%24", "$IMS_CC_FILEBASE$")
_CANVAS_FOLDER = "web_resources"
_FULL_FOLDER = "non_cc_assessments/"

Read = tuple[Document, tuple[str, ...], Origin]


def qti_file_read(raw: bytes, *, name: str) -> Read:
    """Read one `questestinterop` file.

    Raises:
        ContentUnreadableError: for what is not such XML, or gives no question.
    """
    course = QuizCourse(name)
    tree = xml_read(raw, name=name)
    if local(tree) != "questestinterop":
        raise ContentUnreadableError(
            _("'{name}' holds <{tag}>; expected QTI 1.2 (<questestinterop>).").format(
                name=name, tag=local(tree)
            )
        )
    _Reader(course, None).file(tree, name)
    return course.finish()


def qti_package_read(files: Files, *, name: str, progress: Progress = progress_ignored) -> Read:
    """Read every quiz and bank of a package.

    Raises:
        ContentUnreadableError: for a package without a manifest, of QTI 2 or 3, or that gives no
            question.
    """
    manifest = manifest_read(files)
    course = QuizCourse(name, title=manifest.title, key=slugify(manifest.title)[:120])
    _Package(course, files, manifest).read(progress)
    document, notes, origin = course.finish()
    if manifest.licence:
        document["course"]["licence"] = manifest.licence[:200]
    return document, notes, origin


class _Package:
    def __init__(self, course: QuizCourse, files: Files, manifest: Manifest) -> None:
        self.course = course
        self.files = files
        self.manifest = manifest
        self.reader = _Reader(course, files, root=manifest.root)
        self.read_names: set[str] = set()

    def read(self, progress: Progress) -> None:
        names = list(self._question_files())
        trees = [(name, tree) for name in names if (tree := self._tree(name)) is not None]
        in_quizzes = {
            reference
            for _, tree in trees
            if next(all_of(tree, "assessment"), None) is not None
            for item in all_of(tree, "item")
            if (reference := fields_of(item).get("assessment_question_identifierref"))
        }
        for at, (name, tree) in enumerate(trees):
            progress(at / len(trees), "converting")
            self.reader.file(tree, name, in_quizzes=in_quizzes)
        self._others_tell()

    def _question_files(self) -> Iterator[str]:
        """The file of each quiz and bank, the fuller one where there are two."""
        full = {
            PurePosixPath(name).name.partition(".")[0]: name
            for name in self.files.names
            if name.startswith(self.manifest.root + _FULL_FOLDER) and name.endswith(".qti")
        }
        for resource in self.manifest.resources:
            if not resource.is_questions:
                continue
            own = [path for path in resource.files if path in self.files.names]
            self.read_names.update(own)
            if resource.ident in full:
                yield full.pop(resource.ident)
            elif own:
                yield own[0]
            else:
                missing = ", ".join(resource.files) or "no file"
                reason = f"the package does not hold {missing}"
                self.course.left_out(MANIFEST, f"the quiz {resource.ident!r}", reason)
        yield from full.values()

    def _tree(self, name: str) -> Element | None:
        self.read_names.add(name)
        try:
            return xml_read(self.files.read(name), name=name)
        except ContentUnreadableError as error:
            self.course.left_out(name, "the file", error.message.rstrip("."))
            return None

    def _others_tell(self) -> None:
        """List what is in the package and no question."""
        used = self.read_names | self.reader.pictures_used | {self.manifest.root + MANIFEST}
        told: set[str] = set()
        for resource in self.manifest.resources:
            paths = [path for path in resource.files if path not in used | told]
            if not resource.is_questions and paths:
                told.update(paths)
                reason = "only questions are read"
                self.course.left_out(", ".join(paths), resource.what, reason)
        for name in self.files.names:
            if name not in used | told:
                self.course.left_out(name, "the file", "the manifest does not name it")


class _Reader:
    """Reads the quizzes and banks of files; `files` holds the pictures."""

    def __init__(self, course: QuizCourse, files: Files | None, *, root: str = "") -> None:
        self.course = course
        self.files = files
        self.root = root
        self.pictures_used: set[str] = set()

    def file(
        self, tree: Element, name: str, *, in_quizzes: set[str] | frozenset[str] = frozenset()
    ) -> None:
        shown_name = name.removeprefix(self.root)
        for holder in all_of(tree, "assessment", "objectbank"):
            ident = holder.get("ident", "")
            is_bank = local(holder) == "objectbank"
            title = fields_of(holder).get("bank_title") if is_bank else holder.get("title")
            self.course.group(title or ident or shown_name, key=ident)
            self._draws_tell(holder, shown_name)
            for item in all_of(holder, "item"):
                where = f"{shown_name}#{item.get('ident', '')}"
                if is_bank and item.get("ident") in in_quizzes:
                    self.course.left_out(where, "the bank's question", "a quiz holds it too")
                else:
                    self._item(item, where, dirname(name))

    def _draws_tell(self, holder: Element, name: str) -> None:
        for section in all_of(holder, "section"):
            where = f"{name}#{section.get('ident', '')}"
            number = text_below(next(all_of(section, "selection_number"), None))
            bank = text_below(next(all_of(section, "sourcebank_ref"), None))
            if bank:
                reason = "banks are groups of their own here"
                self.course.left_out(where, f"a draw of {number} from the bank {bank!r}", reason)
            elif number and section.get("ident") != "root_section":
                title = section.get("title", "")
                note = f"the draw of {number} from the group {title!r} was left out: all are there"
                self.course.note(where, note)

    def _item(self, item: Element, where: str, folder: str) -> None:
        parsed = item_parse(item)

        def note(text: str) -> None:
            self.course.note(where, text)

        try:
            problem = item_convert(
                parsed,
                picture=lambda source: self._picture(source, where, folder),
                note=note,
            )
        except Unsupported as reason:
            text = shown(" ".join(piece.content for piece in parsed.material) or parsed.title)
            self.course.left_out(where, f"the question {text}", str(reason))
            return
        self.course.add(where, problem, key=parsed.ident)

    def _picture(self, source: str, where: str, folder: str) -> str | None:
        path = self._path(source, folder)
        if self.files is None or path is None or path not in self.files.names:
            self.course.note(where, f"the picture {source!r} is not in the file")
            return None
        key = id_from(path.removeprefix(self.root))
        if key not in self.course.assets:
            data = self.files.read(path)
            media_type = media_type_of(data)
            if media_type is None:
                self.course.left_out(where, f"the picture {source!r}", "the site shows no such")
                return None
            encoded = base64.b64encode(data).decode()
            self.course.assets[key] = {"id": key, "media_type": media_type, "data": encoded}
        self.pictures_used.add(path)
        return key

    def _path(self, source: str, folder: str) -> str | None:
        """Where a picture should stand in the package; None for addresses elsewhere."""
        bare = source.partition("?")[0]
        for marker in _CANVAS_FILES:
            if bare.startswith(marker):
                rest = unquote(bare[len(marker) :]).lstrip("/")
                return normpath(f"{self.root}{_CANVAS_FOLDER}/{rest}")
        if not bare or ":" in bare or bare.startswith("/"):
            return None
        return normpath(f"{folder}/{unquote(bare)}" if folder else unquote(bare))
