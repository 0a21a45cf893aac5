"""What the panel does with groups: draw them, open one, and show the images of a cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .sent import send_traces
from .stored import opened


class GroupActions:
    """Handlers of the map of rates and of the drop-down of groups; a part of the panel."""

    update: Callable[[Any], None]
    """Looks again: ``RunActions.update``."""
    forget: Callable[..., None]
    show_view: Callable[..., bool]
    """Sets the App's view: ``CardActions.show_view``."""

    def draw_groups(self, ctx: Any, groups: Any, chosen: str) -> dict[str, Any]:
        """Send what the plots of groups draw; what the panel shows beside them."""
        from .group_figures import course_lines, group_board, rate_map, tree_lines

        send_traces(ctx, "many.scroll.wide.rates", rate_map(groups))
        send_traces(ctx, "many.tree", tree_lines(groups))
        send_traces(ctx, "many.course", course_lines(groups))
        return group_board(groups, chosen)

    def on_change_group(self, ctx: Any) -> None:
        """Another group was chosen in the drop-down."""
        self._open_group(ctx, str(ctx.params.get("value") or ""))

    def click_rate(self, ctx: Any) -> None:
        """Show the images of a cell of the map, and open its group."""
        from fiftyone_plugin.hypotheses import SHOWN
        from fiftyone_plugin.showing import counted
        from latentdiff.report.group_figures import row_names

        from .group_figures import cell

        groups = self._groups(ctx)
        meant = cell(groups, ctx.params) if groups is not None else None
        if groups is None or meant is None:
            return
        text, group = meant
        called = row_names(groups.found)[groups.found.rate_texts.index(text)]
        count = len(groups.found.rows_showing(text, group))
        if not count:
            ctx.ops.notify(f"No image of {group} shows “{called}”.", variant="info")
        else:
            self.show_view(ctx, lambda: groups.showing(group, text, SHOWN), f"“{called}” in {group}, {counted(count)}")
        self._open_group(ctx, group, grid=False)

    def click_course(self, ctx: Any) -> None:
        """As :meth:`click_rate`, of a point of a line."""
        ctx.params.update(x=None, y=None)  # a rate is no row of the map
        self.click_rate(ctx)

    def show_group(self, ctx: Any) -> None:
        """Set the App's view to all images of the open group."""
        from fiftyone_plugin.store.groups import split

        groups = self._groups(ctx)
        if groups is not None:
            group = split(ctx.panel.state.run)[1]
            self.show_view(ctx, lambda: groups.group(group), f"all of {group}")

    def _open_group(self, ctx: Any, group: str, *, grid: bool = True) -> None:
        from fiftyone_plugin.store.groups import BETWEEN, split

        run, now = split(ctx.panel.state.run or "")
        if group and now is not None and group != now:
            self.forget(ctx, grid=grid)
            ctx.panel.state.run = f"{run}{BETWEEN}{group}"
            self.update(ctx)

    def _groups(self, ctx: Any) -> Any:
        """The groups that are open; None, and said, where they are gone."""
        from fiftyone_plugin import hypotheses

        return opened(self, ctx, hypotheses.open_groups)
