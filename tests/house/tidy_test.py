#!/usr/bin/env python3
"""The canary of tidy: each planted fault must be refused in its own words, a good tree must pass."""
import contextlib
import importlib.util
import io
import pathlib
import subprocess
import sys
import tempfile
import unittest

TIDY = pathlib.Path(__file__).resolve().parents[2] / "tools" / "dev" / "tidy.py"
HEADER = "core/include/millrace/core/ring.hpp"
SOURCE = "core/src/ring.cpp"
LAYOUT = "core/include/millrace/core/ring_layout.hpp"
ONCE = "#pragma once\n"
TABLE = (
    ONCE + "//   offset  size  field      writer    meaning\n"
    "//        0     8  published  producer  bytes\n"
    "//        8     8  consumed   consumer  bytes\n"
    "static_assert(offsetof(Ring, published) == 0);\n"
    "static_assert(offsetof(layout::Ring, consumed) == 8);\n"
)


def tidy(files):
    """Runs tidy on a tree of these files; returns its exit code and what it said."""
    with tempfile.TemporaryDirectory() as directory:
        for name, text in files.items():
            path = pathlib.Path(directory) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        spec = importlib.util.spec_from_file_location("tidy", TIDY)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            code = module.main(pathlib.Path(directory))
        return code, said.getvalue()


class Tidy(unittest.TestCase):
    def refuses(self, name, text, sentence):
        code, said = tidy({name: text})
        self.assertEqual(code, 1, f"{name} was accepted:\n{text[:300]}")
        self.assertIn(sentence, said)

    def accepts(self, files):
        code, said = tidy(files)
        self.assertEqual((code, said.strip()), (0, "tidy: ok"))

    def test_tells_a_script_by_its_exit_code(self):
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            run = [sys.executable, TIDY, directory]
            self.assertEqual(subprocess.run(run, capture_output=True, check=False).returncode, 0)
            (root / "core").mkdir()
            (root / "core" / "x.cpp").write_text("int " + "x" * 120 + ";\n")
            self.assertEqual(subprocess.run(run, capture_output=True, check=False).returncode, 1)

    def test_accepts_a_good_tree(self):
        edge = "x.{}(1, std::memory_order_{}); // [sync:ring] why\n"
        self.accepts({
            HEADER: ONCE + edge.format("store", "release"),
            SOURCE: "#include <hwloc_not.h>\n".replace("hwloc_not", "sched")
            + edge.format("load", "acquire"),
            LAYOUT: TABLE,
            "core/src/topology_hwloc.cpp": "#include <hwloc.h>\n",
            "core/src/mapping.cpp": "#include <boost/interprocess/mapped_region.hpp>\n",
            "transport/src/channel.cpp": '#include "millrace/core/ring.hpp"\n',
            "tools/src/main.cpp": "#include <CLI/CLI.hpp>\n",
        })

    def test_refuses_an_include_that_points_upwards(self):
        self.refuses(SOURCE, '#include "millrace/transport/x.hpp"\n', "core may not include transp")
        self.refuses("transport/src/x.cpp", "#include <millrace/bench/x.hpp>\n", "may not include")
        self.refuses(SOURCE, '#include "millrace/misc/x.hpp"\n', "misc is no layer")

    def test_refuses_a_vendor_outside_its_wall(self):
        self.refuses(SOURCE, "#include <hwloc.h>\n", "belongs in core/src/topology")
        self.refuses(SOURCE, "#include <liburing.h>\n", "belongs in persist/src/")
        self.refuses("transport/src/x.cpp", "#include <boost/interprocess/y.hpp>\n", "belongs in")
        self.refuses("transport/src/x.cpp", "#include <CLI/CLI.hpp>\n", "belongs in tools/")
        self.refuses(SOURCE, "#include <nlohmann/json.hpp>\n", "belongs in tools/")

    def test_refuses_any_vendor_in_a_public_header(self):
        for vendor in ("hwloc.h", "boost/config.hpp", "nlohmann/json.hpp", "liburing.h"):
            self.refuses(HEADER, f"{ONCE}#include <{vendor}>\n", "in a public header")

    def test_refuses_an_ordered_atomic_without_a_tag(self):
        for spelling in ("memory_order_acquire", "memory_order::release", "memory_order_seq_cst"):
            self.refuses(SOURCE, f"x.load(std::{spelling});\n", "without a [sync:] tag")
        far = "// [sync:a] why\n// [sync:a]\n\n\n\nx.load(std::memory_order_acquire);\n"
        self.refuses(SOURCE, far, "without a [sync:] tag")

        self.accepts({SOURCE: "#undef memory_order_acquire\n"})

    def test_refuses_a_tag_without_a_partner(self):
        self.refuses(SOURCE, "// [sync:lonely] Nobody else says so.\n", "[sync:lonely] has no part")

    def test_refuses_an_atomic_that_names_no_order(self):
        self.refuses(SOURCE, "auto x = word_.load();\n", "seq_cst; name the order")
        self.refuses(SOURCE, "count->fetch_add(1);\n", "seq_cst; name the order")

    def test_refuses_a_table_and_asserts_that_differ(self):
        self.accepts({LAYOUT: TABLE})
        moved = TABLE.replace("        8     8  consumed", "       16     8  consumed")
        self.refuses(LAYOUT, moved, "the table says consumed is at 16; no static_assert")
        self.refuses(LAYOUT, moved, "a static_assert says consumed is at 8; no table row")
        rowless = "\n".join(line for line in TABLE.splitlines() if "bytes" not in line)
        self.refuses(LAYOUT, rowless, "no table row says so")

    def test_refuses_a_bool_in_a_layout(self):
        self.refuses(LAYOUT, TABLE + "struct Ring {\n  bool full;\n};\n", "bool in a layout")

    def test_refuses_what_is_too_long(self):
        self.refuses(SOURCE, "int x;\n" * 401, "401 lines (limit 400)")
        self.accepts({SOURCE: "int x;\n" * 400})
        self.refuses(SOURCE, "// " + "x" * 98 + "\n", "101 columns (limit 100)")
        self.accepts({SOURCE: "// " + "ö" * 97 + "\n"})

    def test_refuses_a_long_function_and_only_that(self):
        body = "  call(\"}\");\n" * 69  # a brace in a string is no brace
        self.refuses(SOURCE, "int f(int x)\n    noexcept {\n" + body + "}\n", "a function of 72")
        self.refuses(SOURCE, "X::X() : a_{1}, b_(2) {\n" + body + "}\n", "a function of 71 lines")
        self.accepts({SOURCE: "int f() {\n" + body[:-12 * 1] + "}\n"})
        self.accepts({SOURCE: "namespace a {\nclass B {\n" + "  int f();\n" * 90 + "};\n}\n"})
        nested = "void f() {\n" + "  if (a) {\n    b();\n  }\n" * 24 + "}\n"
        self.refuses(SOURCE, nested, "a function of 74 lines")

    def test_refuses_a_header_without_pragma_once(self):
        self.refuses(HEADER, "int x;\n", "without #pragma once")

    def test_refuses_words_that_say_nothing(self):
        for name in ("core/src/ring_util.cpp", "tools/src/helpers.cpp", "core/src/common.cpp",
                     "transport/include/millrace/transport/lane_manager.hpp"):
            self.refuses(name, ONCE, "the name says nothing")
        self.accepts({"core/src/utilisation.cpp": "int x;\n"})

    def test_refuses_the_two_words_that_mean_a_different_end_everywhere(self):
        for code in ("int head = 0;", "tail_ += 1;", "int queue_head;", "struct Tail {};"):
            self.refuses(SOURCE, code + "\n", "mean a different end")
        self.accepts({SOURCE: '// the torn tail\nint header = 0, details = 1; log("tail");\n'})

    def test_refuses_unfinished_work(self):
        for mark in ("TO" "DO", "FIX" "ME", "XX" "X", "HA" "CK"):
            self.refuses(SOURCE, f"// {mark}: later\n", "belongs in an issue")
            self.refuses("docs/x.md", f"{mark} later\n", "belongs in an issue")

    def test_refuses_paths_of_one_machine(self):
        for path in ("/" "tmp/x", "/" "work/x", "/" "home/me/x"):
            self.refuses(SOURCE, f'auto x = "{path}";\n', "a path of one machine")
            self.refuses("README.md", f"run {path}\n", "a path of one machine")
        self.accepts({"tests/unit/x_test.cpp": 'auto x = "/' 'tmp/x";\n'})

    def test_refuses_a_quotation_that_differs_from_its_file(self):
        quote = "<!-- quoted from examples/a.cpp -->\n```cpp\nint main() {}\n```\n"
        self.accepts({"README.md": quote, "examples/a.cpp": "int main() {}\n"})
        self.refuses("README.md", quote, "this is not what examples/a.cpp says")
        self.refuses("README.md", quote.replace("a.cpp", "b.cpp"), "this is not what")

    def test_refuses_a_link_that_leads_nowhere(self):
        self.accepts({"docs/a.md": "[b](b.md#part) [c](https://c.org/x) `[d](d)`\n",
                      "docs/b.md": "# part\n"})
        self.refuses("docs/a.md", "see [b](b.md)\n", "the link leads nowhere: b.md")


if __name__ == "__main__":
    unittest.main()
