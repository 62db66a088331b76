#!/usr/bin/env python3
"""Checks what a compiler cannot: layering, vendor walls, words, sync tags, layout tables, sizes.

usage: tidy.py ROOT    prints every objection as file:line: sentence; exit code 0 none, 1 some
"""
import pathlib
import re
import sys

RANK = {"core": 0, "transport": 1, "persist": 2, "bench": 3, "tools": 4, "examples": 4, "tests": 5}
# Vendor header -> the only places that may include it. Public headers never may.
WALLS = {
    "liburing": ("persist/src/",),
    "hwloc": ("core/src/topology",),
    "boost/interprocess": ("core/src/", "bench/rivals/"),  # its message_queue is a rival
    "boost/": ("core/src/", "bench/"),
    "CLI/": ("tools/", "bench/", "tests/"),
    "nlohmann/": ("tools/", "bench/", "tests/"),
    "benchmark/": ("bench/",),
    "gtest/": ("tests/",),
    "gmock/": ("tests/",),
    "relacy/": ("tests/",),
}
FILE_LINES, FUNCTION_LINES, COLUMNS = 400, 70, 100
UNFINISHED = re.compile(r"\b(T[O]DO|F[I]XME|X[X]X|H[A]CK)\b")
MACHINE_PATH = re.compile(r"(?<![\w.$}])/(tmp|work|home)/")
VAGUE_NAME = re.compile(r"(^|[_.-])(utils?|commons?|helpers?|managers?)([_.-]|$)")
END_WORD = re.compile(r"(?<![a-zA-Z0-9])(head|tail)(?![a-zA-Z0-9])|\b(Head|Tail)(?=[A-Z]|\b)")
ORDERED = re.compile(r"memory_order(_|::)(acquire|release|acq_rel|seq_cst|consume)\b")
ORDERLESS = re.compile(r"(\.|->)(load\(\s*\)|fetch_(add|sub|or|and|xor)\([^(),]*\))")
SYNC_TAG = re.compile(r"\[sync:([\w-]+)\]")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
QUOTE = re.compile(r"<!-- quoted from (\S+) -->\n+```\w*\n(.*?)^```$", re.M | re.S)
LINK = re.compile(r"\]\(([^)#\s:]+)(#[^)]*)?\)")
LITERALS = re.compile(r'R"(\w*)\((?s:.*?)\)\1"|//[^\n]*|/\*(?s:.*?)\*/|"(?:\\.|[^"\\\n])*"'
                      r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'")

errors = []


def object_to(rel, line, sentence):
    errors.append(f"{rel}:{line}: {sentence}")


def code_of(text):
    """The text without comments and literals; every line stays where it is."""
    return LITERALS.sub(lambda found: "\n" * found.group(0).count("\n") or " ", text)


def check_includes(rel, lines):
    layer = rel.split("/")[0]
    for number, line in enumerate(lines, 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        header = found.group(1)
        ours = re.match(r"millrace/(\w+)/", header)
        if ours and ours.group(1) not in RANK:
            object_to(rel, number, f"{ours.group(1)} is no layer")
        elif ours and layer in RANK and RANK[ours.group(1)] > RANK[layer]:
            object_to(rel, number, f"{layer} may not include {ours.group(1)}")
        for vendor, homes in WALLS.items():
            if not header.startswith(vendor):
                continue
            if "/include/" in rel:
                object_to(rel, number, f"<{header}> in a public header")
            elif not rel.startswith(homes):
                object_to(rel, number, f"<{header}> belongs in {' or '.join(homes)}")
            break  # the first match is the narrowest


def check_atomics(rel, lines, code, tags):
    strict = rel.split("/")[0] in ("core", "transport")
    for number, line in enumerate(lines, 1):
        for tag in SYNC_TAG.findall(line):
            tags.setdefault(tag, []).append((rel, number))
        bare = "" if line.lstrip().startswith("#") else code[number - 1]
        near = lines[max(0, number - 4):number]
        if ORDERED.search(bare) and not any("[sync:" in one for one in near):
            object_to(rel, number, "ordered atomic without a [sync:] tag on it or just above")
        if strict and ORDERLESS.search(bare):
            object_to(rel, number, "an atomic without a named order is seq_cst; name the order")


def check_layout(rel, text):
    """The comment table and the static_asserts must agree, row by row, both ways."""
    rows = set(re.findall(r"^\s*//\s+(\d+)\s+\d+\s+(\w+)", text, re.M))
    asserts = set()
    for field, offset in re.findall(r"offsetof\([\w:]+,\s*(\w+)\)\s*==\s*(\d+)\b", text):
        asserts.add((offset, field))
    for offset, field in sorted(rows - asserts):
        if not field.startswith("reserved"):
            object_to(rel, 1, f"the table says {field} is at {offset}; no static_assert says so")
    for offset, field in sorted(asserts - rows):
        object_to(rel, 1, f"a static_assert says {field} is at {offset}; no table row says so")
    for number, line in enumerate(code_of(text).splitlines(), 1):
        if re.match(r"\s+bool\s+\w+\s*(;|=|\{|\[)", line):
            object_to(rel, number, "bool in a layout: use a fixed-width integer")


def check_functions(rel, code):
    """Counts the lines of every block that follows a parameter list and is not control flow."""
    stack, start_of, before = [], 0, ""
    for number, line in enumerate(code, 1):
        for sign in line.split("#")[0] if line.lstrip().startswith("#") else line:
            if sign == "{":
                opener = before.strip()
                control = re.match(r"(if|for|while|switch|else|do|try|catch)\b", opener)
                scope = re.search(r"\b(namespace|class|struct|union|enum|extern)\b[^()]*$", opener)
                function = bool("(" in opener and not control and not scope)
                stack.append((function, start_of or number))
                before, start_of = "", 0
            elif sign == "}":
                function, first = stack.pop() if stack else (False, number)
                length = number - first + 1
                if function and length > FUNCTION_LINES:
                    object_to(rel, first, f"a function of {length} lines (limit {FUNCTION_LINES})")
                before, start_of = "", 0
            elif sign == ";" and before.count("(") == before.count(")"):
                before, start_of = "", 0
            else:
                if not start_of and not sign.isspace():
                    start_of = number
                before += sign
        before += " "


def check_source(path, rel, tags):
    text = path.read_text(encoding="utf-8")
    lines, code = text.splitlines(), code_of(text).splitlines()
    if len(lines) > FILE_LINES:
        object_to(rel, len(lines), f"{len(lines)} lines (limit {FILE_LINES})")
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS:
            object_to(rel, number, f"{len(line)} columns (limit {COLUMNS})")
    if rel.endswith(".hpp") and not any(line.strip() == "#pragma once" for line in lines):
        object_to(rel, 1, "a header without #pragma once")
    if rel.split("/")[0] in ("core", "transport"):
        for number, line in enumerate(code, 1):
            if END_WORD.search(line):
                object_to(rel, number, "head and tail mean a different end in every library; "
                                       "say what it is: position, limit, oldest, published")
    check_includes(rel, lines)
    check_atomics(rel, lines, code, tags)
    check_functions(rel, code)
    if rel.endswith("_layout.hpp"):
        check_layout(rel, text)


def check_words(path, rel):
    """What holds for every text file of the tree."""
    if VAGUE_NAME.search(path.stem):
        object_to(rel, 1, "the name says nothing; name the one concept in it")
    scripts = path.suffix in (".sh", ".py", "") or rel.startswith("tests/")
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if UNFINISHED.search(line):
            object_to(rel, number, "unfinished work belongs in an issue")
        if not scripts and MACHINE_PATH.search(line):
            object_to(rel, number, "a path of one machine")


def check_document(path, rel, root):
    """What a document quotes must be the compiled file, and what it links to must be there."""
    text = path.read_text(encoding="utf-8")
    for found in QUOTE.finditer(text):
        source, line = root / found.group(1), text[:found.start()].count("\n") + 1
        if not source.is_file() or source.read_text(encoding="utf-8") != found.group(2):
            object_to(rel, line, f"this is not what {found.group(1)} says")
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", lambda code: "\n" * code.group(0).count("\n"), text,
                   flags=re.M | re.S)
    for number, line in enumerate(prose.splitlines(), 1):
        for target, _ in LINK.findall(line):
            if not (path.parent / target).exists():
                object_to(rel, number, f"the link leads nowhere: {target}")


def files_of(root):
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if parts[0].startswith(("build", ".git", ".cache")):
            continue
        if "__pycache__" in parts or "node_modules" in parts:
            continue
        if path.is_file() and not path.is_symlink():
            yield path, "/".join(parts)


def main(root):
    tags = {}
    for path, rel in files_of(root):
        if path.suffix in (".hpp", ".cpp"):
            check_source(path, rel, tags)
        if path.suffix in (".hpp", ".cpp", ".md", ".txt", ".cmake", ".sh", ".py", ".in", ".json"):
            check_words(path, rel)
        if path.suffix == ".md":
            check_document(path, rel, root)
    for tag, where in tags.items():
        if len(where) < 2:
            object_to(*where[0], f"[sync:{tag}] has no partner")
    print("\n".join(errors) or "tidy: ok")
    return 1 if errors else 0


if __name__ == "__main__":
    if len(sys.argv) != 2 or not pathlib.Path(sys.argv[1]).is_dir():
        sys.exit(__doc__)
    sys.exit(main(pathlib.Path(sys.argv[1])))
