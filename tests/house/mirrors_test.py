#!/usr/bin/env python3
"""The canary of mirrors: a model is stale when its code changed, and only then."""
import contextlib
import importlib.machinery
import importlib.util
import io
import pathlib
import tempfile
import unittest

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "dev" / "mirrors"
SOURCE = "core/src/lock.cpp"
MODEL = "tests/model/spin/lock.pml"
CODE = """
namespace millrace {
// A comment.
template <class Memory>
class Lock {
 public:
  explicit Lock(int fd) : fd_(fd), names_{1, 2} { open(); }

  bool take(int way = 0) noexcept {
    if (way == 0) { return try_once("in one go"); }
    MILLRACE_CRASH_POINT("lock.taken");
    return free_;
  }

 private:
  int fd_ = 0;
  bool free_{true};
};

Result<void> probe(const char* name) { return check([&] { return name; }); }
}  // namespace millrace
"""


def load():
    loader = importlib.machinery.SourceFileLoader("mirrors", str(TOOL))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("mirrors", loader))
    loader.exec_module(module)
    return module


class Mirrors(unittest.TestCase):
    def setUp(self):
        self.mirrors = load()
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)
        self.write(SOURCE, CODE)
        self.write(MODEL, f"// mirrors: {SOURCE} Lock::take\n/* mirrors: {SOURCE}\n *   probe */\n")
        self.assertEqual(self.run_tool("--update", str(self.root / MODEL))[0], 0)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run_tool(self, *arguments):
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                code = self.mirrors.main(["--root", str(self.root), *arguments])
            except SystemExit as refused:
                code = refused.code
        return code, said.getvalue()

    def change(self, old, new):
        self.assertIn(old, CODE)
        self.write(SOURCE, CODE.replace(old, new))

    def is_stale(self, sentence):
        code, said = self.run_tool()
        self.assertEqual(code, 1, said)
        self.assertIn(sentence, said)
        self.assertIn(MODEL, said)

    def is_good(self):
        self.assertEqual(self.run_tool(), (0, "mirrors: ok\n"))

    def test_accepts_a_model_whose_code_is_as_it_was(self):
        self.is_good()

    def test_refuses_a_model_whose_code_changed_in_one_sign(self):
        self.change("way == 0", "way != 0")
        self.is_stale(f"Lock::take in {SOURCE} is no longer what this model mirrors")
        self.change("return name;", "return name + 1;")
        self.is_stale(f"probe in {SOURCE} is no longer what this model mirrors")

    def test_does_not_mind_words_spacing_crash_points_and_other_functions(self):
        self.change("// A comment.", "// Another.\n\n")
        self.is_good()
        self.change("in one go", "at once")
        self.is_good()
        self.change("if (way == 0) {", "if (way == 0)   // why\n {")
        self.is_good()
        self.change('    MILLRACE_CRASH_POINT("lock.taken");\n', "")
        self.is_good()
        self.change("names_{1, 2}", "names_{1, 3}")
        self.is_good()

    def test_refuses_a_model_of_code_that_is_not_there(self):
        self.change("take(", "grab(")
        self.is_stale(f"{SOURCE} has no function Lock::take")
        (self.root / SOURCE).unlink()
        self.is_stale(f"there is no file {SOURCE}")

    def test_an_update_takes_the_new_text_and_nothing_else(self):
        self.change("way == 0", "way != 0")
        before = (self.root / MODEL).read_text().splitlines()
        self.assertEqual(self.run_tool("--update", str(self.root / MODEL))[0], 0)
        after = (self.root / MODEL).read_text().splitlines()
        self.assertEqual([a == b for a, b in zip(before, after)], [False, True, True])
        self.is_good()

    def test_refuses_a_mirror_without_a_digest(self):
        self.write(MODEL, f"// mirrors: {SOURCE} probe\n")
        self.is_stale("is no longer what this model mirrors")

    def test_refuses_a_model_that_says_nothing(self):
        self.write(MODEL, f"// covers: {SOURCE} probe\n")
        self.is_stale("says of no function that it mirrors it")
        self.write("tests/model/lock_model.cpp", "int main() {}\n")
        self.is_stale("tests/model/lock_model.cpp: says of no function")

    def test_a_model_that_runs_the_code_needs_its_name_only(self):
        self.write("tests/model/lock_model.cpp", f"// covers: {SOURCE} Lock::Lock\n")
        self.change("names_{1, 2}", "names_{1, 3}")
        self.is_good()

    def test_refuses_bad_usage(self):
        for arguments in (["--update", "nowhere.pml"], ["--now"]):
            self.assertEqual(self.run_tool(*arguments)[0], 2)
        (self.root / MODEL).unlink()
        self.assertEqual(self.run_tool()[0], 2)


if __name__ == "__main__":
    unittest.main()
