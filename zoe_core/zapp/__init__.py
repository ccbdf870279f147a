"""The description of an application (ZApp): its model, its checks, its parameters, its rendering.

Documents of version 3, as the original Zoe wrote them, and of version 4 are read by
:func:`parse_zapp`; a gallery folder's manifest by :func:`parse_manifest`. What is wrong comes back
as :class:`Problem` values in a :class:`ZAppError` or :class:`ManifestError`.
"""

from zoe_core.documents import Problem
from zoe_core.zapp._amend import UNCHANGED, Changes, InstanceSize, amend
from zoe_core.zapp._apply import NOTEBOOK_VARIABLE, apply_parameters
from zoe_core.zapp._fields import RuntimeLimit
from zoe_core.zapp._manifest import Manifest, ManifestEntry, parse_manifest, parse_manifest_json
from zoe_core.zapp._model import (
    CoreLimits,
    MemoryLimits,
    Port,
    Restart,
    Result,
    Service,
    ServiceResources,
    Shrink,
    SiteDefaults,
    Volume,
    ZApp,
    instance_name,
)
from zoe_core.zapp._parameter import Parameter, read_value
from zoe_core.zapp._parse import (
    ParsedZApp,
    parse_zapp,
    parse_zapp_json,
    zapp_document,
    zapp_json_schema,
)
from zoe_core.zapp._problems import ManifestError, ZAppError
from zoe_core.zapp._render import InstanceContext, RenderedInstance, render_instance, render_url
from zoe_core.zapp._results import render_results
from zoe_core.zapp._site import SitePolicy, check_site
from zoe_core.zapp._variables import read_variables, write_lines

__all__ = [
    "NOTEBOOK_VARIABLE",
    "UNCHANGED",
    "Changes",
    "CoreLimits",
    "InstanceContext",
    "InstanceSize",
    "Manifest",
    "ManifestEntry",
    "ManifestError",
    "MemoryLimits",
    "Parameter",
    "ParsedZApp",
    "Port",
    "Problem",
    "RenderedInstance",
    "Restart",
    "Result",
    "RuntimeLimit",
    "Service",
    "ServiceResources",
    "Shrink",
    "SiteDefaults",
    "SitePolicy",
    "Volume",
    "ZApp",
    "ZAppError",
    "amend",
    "apply_parameters",
    "check_site",
    "instance_name",
    "parse_manifest",
    "parse_manifest_json",
    "parse_zapp",
    "parse_zapp_json",
    "read_value",
    "read_variables",
    "render_instance",
    "render_results",
    "render_url",
    "write_lines",
    "zapp_document",
    "zapp_json_schema",
]
