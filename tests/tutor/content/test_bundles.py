import copy
import io
import json
import stat
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tutor.content.bundle_case import GIF, bundle_make
from tutor.content import archives
from tutor.content.archives import FolderFiles, ZipFiles
from tutor.content.bundles import (
    bundle_from_files,
    bundle_pack,
    bundle_unpack,
    canonical,
    checksum,
    json_canonical,
    problem_checksum,
)
from tutor.content.decoding import json_read
from tutor.content.errors import ContentUnreadableError


def zipped(files, **options):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in files:
            archive.writestr(name, content)
    packed.seek(0)
    return packed


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b'{"a": 1,\n "b": }', "line 2, column 7"),
        (b'{"a": 1, "a": 2}', "'a' stands twice"),
        (b'{"a": NaN}', "NaN is not a number"),
        (b"[" * 100_000, "nested"),
        (b"[" * 60 + b"]" * 60, "nested"),
        (b'["\\u0000"]', "null character"),
        (b'["\\ud800"]', "half a character"),
        (b"", "not JSON"),
    ],
)
def test_json_that_cannot_be_taken_is_refused_with_its_reason(raw, words):
    with pytest.raises(ContentUnreadableError) as refused:
        json_read(raw, name="file.json")
    assert words in refused.value.message


def test_json_with_a_byte_order_mark_is_read():
    assert json_read(b'\xef\xbb\xbf{"a": "\\u00e9"}', name="f") == {"a": "é"}


@pytest.mark.parametrize("name", ["../up.json", "/root.json", "a/../../b", "a\\b", "C:/x"])
def test_paths_that_lead_out_of_the_zip_are_refused(name):
    with pytest.raises(ContentUnreadableError, match="leads out"):
        ZipFiles(zipped([(name, "x")]))


def test_links_in_a_zip_are_refused():
    entry = zipfile.ZipInfo("link")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(ContentUnreadableError, match="is a link"):
        ZipFiles(zipped([(entry, "/etc/passwd")]))


def test_a_zip_bomb_is_refused_before_it_is_unpacked():
    with pytest.raises(ContentUnreadableError, match="zip bomb"):
        ZipFiles(zipped([("bundle.json", b"0" * 20_000_000)]))


def test_a_directory_that_lies_about_a_size_is_found_out():
    packed = zipped([("a.json", b"x" * 1000)]).getvalue()
    central = packed.rindex(b"PK\x01\x02")
    lying = packed[: central + 24] + (10).to_bytes(4, "little") + packed[central + 28 :]
    files = ZipFiles(io.BytesIO(lying))
    with pytest.raises(ContentUnreadableError, match=r"damaged|directory says"):
        files.read("a.json")


def test_too_many_files_are_refused(monkeypatch):
    monkeypatch.setattr(archives, "MAX_FILES", 2)
    with pytest.raises(ContentUnreadableError, match="3 files, at most 2"):
        ZipFiles(zipped([(f"{n}", "x") for n in range(3)]))


def test_too_much_in_all_is_refused(monkeypatch):
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 100)
    with pytest.raises(ContentUnreadableError, match="at most 100"):
        ZipFiles(zipped([("a", "x" * 60), ("b", "y" * 60)]))


def test_what_is_no_zip_is_refused():
    with pytest.raises(ContentUnreadableError, match="could not be opened"):
        ZipFiles(io.BytesIO(b"PK but not really"))


def test_links_out_of_a_folder_are_not_followed(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_text("s")
    (tmp_path / "in" / "a.json").write_text("{}")
    (tmp_path / "in" / "link").symlink_to(tmp_path / "secret")
    assert FolderFiles(tmp_path / "in").names == ("a.json",)


@pytest.mark.parametrize("folder", ["", "wrapped/"])
def test_pictures_beside_the_bundle_are_taken_in(folder):
    bundle = bundle_make()
    del bundle["assets"][0]["data"]
    files = ZipFiles(
        zipped([(f"{folder}bundle.json", json.dumps(bundle)), (f"{folder}assets/dot.gif", GIF)])
    )
    assert canonical(bundle_from_files(files)) == canonical(bundle_make())


def test_a_zip_without_a_bundle_says_so():
    with pytest.raises(ContentUnreadableError, match=r"no bundle\.json"):
        bundle_from_files(ZipFiles(zipped([("readme.txt", "hi")])))


def test_the_canonical_form_is_a_fixed_point():
    once = canonical(bundle_make())
    assert canonical(once) == once
    assert json_canonical(canonical(once)) == json_canonical(once)


def test_the_canonical_form_fills_in_defaults_and_orders():
    form = canonical(bundle_make())
    assert form["course"]["language"] == "en"
    assert [p["order"] for p in form["problems"]] == [10, 20, 30]
    assert form["problems"][0]["steps"][0]["hints"][0]["kind"] == "hint"
    assert form["problems"][1]["steps"][0]["skills"] == ["add", "carry"]
    assert [e["from"] for e in form["prerequisites"]] == ["add", "add", "carry"]


def test_packing_loses_nothing_and_is_the_same_every_time():
    form = canonical(bundle_make())
    assert bundle_unpack(bundle_pack(form)) == form
    assert bundle_pack(form) == bundle_pack(copy.deepcopy(form))


def test_moving_a_problem_makes_no_new_revision_but_changing_a_word_does():
    problem = canonical(bundle_make())["problems"][0]
    assert problem_checksum(problem | {"order": 99, "lesson": "x"}) == problem_checksum(problem)
    assert problem_checksum(problem | {"body": "new"}) != problem_checksum(problem)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3)
        ),
        max_leaves=10,
    )
)
def test_checksums_do_not_depend_on_the_order_of_keys(document):
    turned = json.loads(json.dumps(document), object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    assert checksum(turned) == checksum(document)
