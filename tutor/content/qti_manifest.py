"""What an IMS content package (a QTI 1.2 package or a Common Cartridge) says that it holds."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from posixpath import normpath
from urllib.parse import unquote

from django.utils.translation import gettext as _

from tutor.content.archives import Files
from tutor.content.errors import ContentUnreadableError
from tutor.content.xml_reading import all_of, children_of, first_of, text_below, xml_read

MANIFEST = "imsmanifest.xml"
_OTHER_VERSION = re.compile(r"imsqti_\w*?xmlv([23])p")
_KINDS = {
    "webcontent": "a page or file",
    "assignment": "an assignment",
    "imsdt": "a discussion topic",
    "imswl": "a web link",
    "imsbasiclti": "a tool of another site (LTI)",
    "associatedcontent": "settings or other content of the exporting system",
    "weblink": "a web link",
}


@dataclass(frozen=True, slots=True)
class Resource:
    """An entry of the manifest; `files` are paths in the package, whether they are there or not."""

    ident: str
    kind: str
    files: tuple[str, ...]

    @property
    def is_questions(self) -> bool:
        """Whether it is a quiz or a bank in QTI 1.2."""
        return self.kind.startswith("imsqti_xmlv1p")

    @property
    def what(self) -> str:
        """What it is, in words."""
        kind = self.kind.partition("_")[0].partition("/")[0]
        return _KINDS.get(kind, f"a resource of type '{self.kind}'")


@dataclass(frozen=True)
class Manifest:
    """A package: its folder, title and rights as it says them, and its resources."""

    root: str
    title: str
    licence: str
    resources: tuple[Resource, ...]


def package_root(names: Iterable[str]) -> str | None:
    """Where imsmanifest.xml stands: at the top, or in the one folder that tools wrap around."""
    found = [name for name in names if name == MANIFEST or name.endswith(f"/{MANIFEST}")]
    shallow = [name for name in found if name.count("/") <= 1]
    return shallow[0].removesuffix(MANIFEST) if len(shallow) == 1 else None


def manifest_read(files: Files) -> Manifest:
    """Read the manifest.

    Raises:
        ContentUnreadableError: when it is not there, or speaks of QTI 2 or 3.
    """
    root = package_root(files.names)
    if root is None:
        raise ContentUnreadableError(
            _("There is no {name}; expected one at the top of the zip.").format(name=MANIFEST)
        )
    tree = xml_read(files.read(root + MANIFEST), name=MANIFEST)
    resources = tuple(
        Resource(
            ident=node.get("identifier", ""),
            kind=node.get("type", ""),
            files=_files_of(
                root,
                [child.get("href", "") for child in children_of(node, "file")]
                or [node.get("href", "")],
            ),
        )
        for node in all_of(tree, "resource")
    )
    for resource in resources:
        found = _OTHER_VERSION.match(resource.kind)
        if found:
            raise ContentUnreadableError(
                _(
                    "The package holds QTI {version} ('{kind}'), which is not read yet; "
                    "export it as QTI 1.2 or Common Cartridge."
                ).format(version=found[1], kind=resource.kind)
            )
    about = next(children_of(tree, "metadata"), None)
    title = first_of(about, "title") if about is not None else None
    rights = first_of(about, "rights") if about is not None else None
    described = first_of(rights, "description") if rights is not None else None
    return Manifest(root, text_below(title), text_below(described), resources)


def _files_of(root: str, hrefs: list[str]) -> tuple[str, ...]:
    paths = (normpath(root + unquote(href)) for href in hrefs if href)
    return tuple(path for path in paths if not path.startswith(("/", "..")))
