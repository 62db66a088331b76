#!/usr/bin/env python3
"""Searches one model with spin: all of its states, and its broken twins, which must be rejected.

usage: spin_search.py [--full] MODEL.pml

The model says with what it is searched, in its first lines:

    // search: -DPUBLISHERS=2       always; the search must end, and find nothing
    // full: -DPUBLISHERS=3         the same, with --full only
    // twin: -DNO_LOCK              a broken twin, in which an assertion must fail

Exit codes: 0 good, 1 not, 2 bad usage, 77 spin or a C compiler is not installed.
"""
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile

DEPTH, MEGABYTES, SECONDS = 5_000_000, 8000, 1200


def wishes_of(text, kind):
    return re.findall(rf"^// {kind}: (-D.*?)\s*$", text, re.M)


def search(model, wish):
    """What the verifier of this model said."""
    with tempfile.TemporaryDirectory() as directory:
        def run(*command):
            return subprocess.run(command, cwd=directory, capture_output=True, text=True,
                                  check=False, timeout=SECONDS)

        made = run("spin", "-a", *wish.split(), str(model))
        if made.returncode == 0:
            made = run("cc", "-O2", "-w", "-DSAFETY", "-DCOLLAPSE", f"-DMEMLIM={MEGABYTES}",
                       "-o", "pan", "pan.c")
        if made.returncode != 0:
            return made.stdout + made.stderr
        return run("./pan", f"-m{DEPTH}").stdout


def number(said, pattern):
    found = re.search(pattern, said)
    return int(float(found.group(1))) if found else 0


def line(said):
    states, depth = number(said, r"([\d.e+]+) states, stored"), number(said, r"reached (\d+)")
    return f"{states:,} states, depth {depth:,}"


def ended(said):
    """Was every state looked at, and was it good? A depth that was cut off proves nothing."""
    return "errors: 0" in said and not re.search(r"not completed|search depth too small", said)


def caught(said):
    return "assertion violated" in said


def main(arguments):
    full = "--full" in arguments
    models = [pathlib.Path(word) for word in arguments if word != "--full"]
    if len(models) != 1 or not models[0].is_file():
        print(__doc__, file=sys.stderr)
        return 2
    for tool in ("spin", "cc"):
        if shutil.which(tool) is None:
            print(f"skipped: {tool} is not installed (tools/dev/install-packages test)")
            return 77
    model = models[0].resolve()
    text = model.read_text(encoding="utf-8")
    searches = wishes_of(text, "search") + (wishes_of(text, "full") if full else [])
    twins = wishes_of(text, "twin")
    if not searches or not twins:
        print(f"{model.name} names no search, or no twin that must be rejected", file=sys.stderr)
        return 1
    bad = 0
    for wish, good, word in [(wish, ended, "holds") for wish in searches] + [
            (wish, caught, "rejected") for wish in twins]:
        said = search(model, wish)
        print(f"{model.stem} {wish}: {word if good(said) else 'WRONG'}, {line(said)}", flush=True)
        if not good(said):
            print(said[:4000], flush=True)
            bad += 1
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{used.ru_utime + used.ru_stime:.0f} s of processor time")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
