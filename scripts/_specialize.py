"""Advice and a model for documents of one's own (make specialize): python scripts/_specialize.py --cores 2 …

DOMAIN, LICENCE, ORIGIN and the other words stand in the environment; all arguments are Snakemake's.
"""

import os
import sys

import _bootstrap  # noqa: F401
from speclm.data.own import LIMITS, WORDS, packed_words

if __name__ == "__main__":
    given = {key: os.environ.get(key.upper(), "") for key in (*WORDS, *LIMITS)}
    words = packed_words({key: given[key] for key in WORDS})
    limits = [f"{key}={given[key]}" for key in LIMITS if given[key]]
    quiet = ["--quiet", "rules", "host", "progress"]
    command = ["-m", "snakemake", "specialize", *quiet, *sys.argv[1:], "--config", words, *limits]
    os.execv(sys.executable, [sys.executable, *command])
