"""Names of refs: what git allows, and where each kind of ref is kept."""

import re

from tract.exceptions import RefNameError
from tract.model.encoding import shown

BRANCHES = "heads/"
TAGS = "tags/"
WORKSPACES = "HEAD/"
MERGES = "merge/"
REMEMBERED = "rerere/"
CHILDREN = "child/"
NOTES = "notes/"
TRACKING = "remotes/"
REMOTES = "remote/"
INCOMING = "incoming/"
"""Prefixes of refs in a tract; a workspace's target is the name of a branch's ref, any other's is an object's id.

`remotes/<remote>/<branch>` is where a remote's branch was last seen; `remote/<remote>` names the record that says where
the remote is. `incoming/<id>` names the record of what a transfer has stored so far, and goes away with it.
"""

SHARED = (BRANCHES, TAGS)
"""What travels from one tract to another; all the rest stays where it was made."""

PARENT = "parent"
"""The ref that names the record of where a tract was spawned."""

HORIZON = "gc"
"""The ref that names the record of the time before which logs may name what was collected."""

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|\.lock(/|$)|(^|/)\.|/$|^/|\.$|^@$|^-|^$")


def check_ref_name(name: object) -> str:
    """Return a branch's, tag's, workspace's or tract's name if git would take it as a branch.

    Raises:
        RefNameError: it would not, or the name is no text, over 255 bytes, or `HEAD`.
    """
    if not isinstance(name, str):
        raise RefNameError(f"a name must be text, not {type(name).__name__}", name=shown(name))
    try:
        size_bytes = len(name.encode())
    except UnicodeEncodeError as error:
        raise RefNameError("a name must be valid Unicode", name=name) from error
    if _FORBIDDEN.search(name) or name == "HEAD" or size_bytes > 255:
        raise RefNameError(f"{shown(name)} is not a valid name", name=name)
    return name


def check_remote_name(name: object) -> str:
    """Return a remote's name if it may be one: a ref's name without a slash, which parts it from a branch's.

    Raises:
        RefNameError: it may not.
    """
    found = check_ref_name(name)
    if "/" in found:
        raise RefNameError(f"a remote's name has no slash: {shown(found)}", name=found)
    return found
