"""What all operators are alike in: how FiftyOne is told of them, their button in the grid's menu, and the frame of their form."""

from __future__ import annotations

from typing import Any, ClassVar

import fiftyone.operators as foo
from fiftyone.operators import types


class FormOperator(foo.Operator):
    """Form → one call of the SDK. A subclass names itself, fills its form, and executes."""

    NAME: ClassVar[str]
    """Last part of the operator's address."""
    LABEL: ClassVar[str]
    """What it does, in the words of a button: "delete a comparison"."""
    DESCRIPTION: ClassVar[str]
    ICON: ClassVar[str]
    """A Material icon."""
    SUBMIT: ClassVar[str] = ""
    """The form's button; empty: the operator has no form and starts at once."""
    TITLE: ClassVar[str] = ""
    """Heading of the form, where it is shorter than the label."""
    IN_MENU: ClassVar[bool] = False
    """Whether the grid's menu has a button for it."""
    LONG: ClassVar[bool] = False
    """Whether it shows a bar and may be delegated; ``execute`` is a generator then."""

    @property
    def config(self) -> foo.OperatorConfig:
        """What FiftyOne asks for when it registers the operator."""
        long = {"execute_as_generator": True, "allow_immediate_execution": True, "allow_delegated_execution": True} if self.LONG else {}
        return foo.OperatorConfig(
            name=self.NAME,
            label=f"LatentDiff: {self.LABEL}",
            description=self.DESCRIPTION,
            icon=self.ICON,
            dynamic=bool(self.SUBMIT),
            **long,
        )

    def resolve_placement(self, ctx: Any) -> types.Placement | None:
        """The button in the grid's menu, where there is one."""
        if not self.IN_MENU:
            return None
        button = types.Button(label=f"{_capital(self.LABEL)} (LatentDiff)", icon=self.ICON, prompt=bool(self.SUBMIT))
        return types.Placement(types.Places.SAMPLES_GRID_SECONDARY_ACTIONS, button)

    def resolve_input(self, ctx: Any) -> types.Property | None:
        """The form."""
        if not self.SUBMIT:
            return None
        inputs = types.Object()
        self.fill(inputs, ctx)
        title = self.TITLE or _capital(self.LABEL)
        return types.Property(inputs, view=types.PromptView(label=title, submit_button_label=self.SUBMIT))

    def fill(self, inputs: types.Object, ctx: Any) -> None:
        """Add the form's inputs."""
        raise TypeError(f"{type(self).__name__} has a form and fills none")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
