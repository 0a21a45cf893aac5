"""Why something that the panel asked for was not done, in a sentence: the App hands over whatever its server wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

LONGEST = 300
"""Letters that are told at most."""


def reason(params: Mapping[str, Any]) -> str:
    """The last line of an error, or what a form said where its answers do not hold any more.

    There the App's server raises, and the App hands on its answer with the request, the panel's whole state among it, as one line.

    Args:
        params: as the App calls a method of the panel after an error.
    """
    from latentdiff.errors import sentence

    said = str(params.get("error_message") or params.get("error") or "").strip()
    for escaped, letter in (("\\n", "\n"), ("\\'", "'"), ('\\"', '"')):
        said = said.replace(escaped, letter)
    refused = re.search(r"Validation error\. Path: .*?Reason: (.*)", said)
    found = refused[1] if refused else said.splitlines()[-1] if said else "no reason was given"
    found = re.sub(r"^latentdiff\.errors\.\w+: ", "", found.strip())
    return sentence(ValueError(found if len(found) <= LONGEST else f"{found[:LONGEST]} …"))
