"""Widgets for notebooks: the gallery, an execution, the queue and the cluster, kept up to date.

::

    from zoe_client.widgets import Gallery

    Gallery()

They need ipywidgets 8: ``pip install 'zoe[widgets]'``.
"""

from zoe_client._default import default_client
from zoe_client.widgets.execution import ExecutionView
from zoe_client.widgets.gallery import Gallery
from zoe_client.widgets.platform import Cluster, Queue

__all__ = ["Cluster", "ExecutionView", "Gallery", "Queue", "default_client"]
