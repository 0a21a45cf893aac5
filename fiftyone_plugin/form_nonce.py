"""A nonce that forms carry: who has not drawn a form cannot run what it writes or sends.

FiftyOne's server does not ask which page a request comes from. Another web page in one's browser can therefore send some, but cannot read
what is answered, and so does not know the nonce. Calls of Python, and workers that take delegated runs, need none.
"""

from __future__ import annotations

import hmac
import os
import secrets
from typing import Any

from fiftyone.operators import types

from latentdiff.errors import InputError

NAME = "form_nonce"
"""Of the parameter."""
COMPONENT = "LatentDiffForm"
"""Shows nothing, and keeps untouched fields calm. FiftyOne's own HiddenView will not do: the App does not send its default."""
_VALUE = secrets.token_urlsafe(24)


def served() -> bool:
    """Whether this process is the App's server, where operators are run by requests."""
    return bool(os.environ.get("FIFTYONE_SERVER"))


def parameter() -> dict[str, str]:
    """What a button passes on that runs an operator without its form."""
    return {NAME: _VALUE}


def add(inputs: types.Object) -> None:
    """Put the nonce into a form, unseen."""
    inputs.str(NAME, default=_VALUE, required=False, view=types.View(component=COMPONENT))


def check(params: dict[str, Any]) -> None:
    """Refuse requests that carry no nonce of this server.

    Args:
        params: of the operator or the panel's method.

    Raises:
        InputError: saying what to do.
    """
    if served() and not hmac.compare_digest(str(params.get(NAME) or "").encode(), _VALUE.encode()):
        raise InputError("this request does not come from a form of the App that runs now; open the form again, or reload the page")
