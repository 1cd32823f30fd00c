"""`serve` beside other servers, its alarms beside requests.Session, its core in clouds of every size: `make bench`.

    python loadtests/benchmarks/compare.py                          everything; results into docs/benchmarks.md
    python loadtests/benchmarks/compare.py --parts serving --only wiremock,prism --work get-2 --rounds 3 --print
    python loadtests/benchmarks/compare.py --parts growth --sizes 1000,100000 --print

Other servers are installed by npm and pip into a cache folder at the first run. One that cannot be had, does not start
or does not answer as it has to is left out, with a line that says why. Exit 0 when the run is done, 2 for wrong
options, 4 when `serve` itself could not be measured.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from fenix_benchmarks import ROOT, alarms, growth, serving_compared
from fenix_benchmarks.cache import Cache, Unavailable, default_folder
from fenix_benchmarks.peers import chosen
from fenix_benchmarks.processes import NotStarted
from fenix_benchmarks.report import Results, markdown, put_into
from fenix_benchmarks.served import running_on
from fenix_benchmarks.works import WORKS, Wrong

import start  # isort: skip - in the folder that fenix_benchmarks adds
import steps  # isort: skip - likewise

PARTS = ("serving", "alarms", "growth")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default=",".join(PARTS), help="which of them, with commas (default: %(default)s)")
    parser.add_argument("--work", default=",".join(one.name for one in WORKS), help="default: %(default)s")
    parser.add_argument("--only", default="", metavar="PEER,…", help="these servers alone (default: all)")
    parser.add_argument("--rounds", type=_positive, default=5, help="default: %(default)s")
    parser.add_argument("--seconds", type=_positive, default=1, help="of a round (default: %(default)s)")
    parser.add_argument("--alarms", type=_positive, default=1_600, help="of a round (default: %(default)s)")
    parser.add_argument("--sizes", default=",".join(map(str, growth.SIZES)), help="clouds (default: %(default)s)")
    parser.add_argument("--cache", type=Path, default=default_folder(), help="default: %(default)s")
    parser.add_argument("--no-install", action="store_true", help="use what is in the cache already")
    parser.add_argument("--write", type=Path, default=ROOT / "docs" / "benchmarks.md", help="default: %(default)s")
    parser.add_argument("--print", action="store_true", help="print the results and write nothing")
    given = parser.parse_args(arguments)
    # So that Ctrl-C and SIGTERM end every server that was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        parts = _names(given.parts, PARTS, "part")
        works = [one for one in WORKS if one.name in _names(given.work, [one.name for one in WORKS], "work")]
        sizes = [_size(text) for text in given.sizes.split(",")]
        if not given.print:
            put_into(given.write.read_text(), "")
        if "serving" in parts:
            _require_wrk()
            servers = running_on()
            peers = chosen([name for name in given.only.split(",") if name], servers)
    except (ValueError, OSError, Unavailable, NotStarted) as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 2
    results = Results()
    try:
        if "serving" in parts:
            told = serving_compared.run(
                works,
                peers,
                Cache(given.cache, install=not given.no_install),
                rounds=given.rounds,
                seconds=given.seconds,
                say=_say,
            )
            told.started[serving_compared.SERVE] = sorted(start.once()[0] for _ in range(3))[1]
            results = Results(told, servers)
    except (Wrong, RuntimeError, OSError) as error:
        print(f"compare.py: serve could not be measured: {error}", file=sys.stderr)
        return 4
    results = Results(
        results.serving,
        results.servers,
        alarms.run(rounds=given.rounds, count=given.alarms, say=_say) if "alarms" in parts else None,
        growth.run(sizes, say=_say) if "growth" in parts else None,
    )
    _tell(results, None if given.print else given.write)
    return 0


def _tell(results: Results, document: Path | None) -> None:
    """Print the results, or put them into the document, with the picture beside it."""
    if document is None:
        print(markdown(results, None))
        return
    picture = document.with_name(f"{document.stem}-growth.svg")
    if results.growth:
        steps.plot(list(results.growth), picture)
    text = markdown(results, picture.name)
    document.write_text(put_into(document.read_text(), text))
    print(text)
    _say(f"written: {document}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _require_wrk() -> None:
    if shutil.which("wrk") is None:
        raise Unavailable("wrk is not installed (Debian: apt-get install wrk); --parts alarms,growth needs none")


def _names(text: str, known: Sequence[str], what: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in known:
            raise ValueError(f"there is no {what} {name!r}; there are: {', '.join(known)}")
    if not names:
        raise ValueError(f"no {what} is given; there are: {', '.join(known)}")
    return names


def _size(text: str) -> int:
    if not text.isdecimal() or int(text) < 1_000:
        raise ValueError(f"--sizes takes numbers of 1000 and more, with commas: {text!r} is none")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 1 and more")
    return int(text)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("compare.py: interrupted; every server is stopped, nothing is written")
