"""What all operators are alike in: how FiftyOne is told of them, their button in the grid's menu, and the frame of their form."""

from __future__ import annotations

from typing import Any, ClassVar

import fiftyone.operators as foo
from fiftyone.operators import types

from fiftyone_plugin import form_nonce


class FormOperator(foo.Operator):
    """Form → one call of the SDK. A subclass names itself, fills its form, and performs what it asks for."""

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
    FIXED: ClassVar[bool] = False
    """Whether the form is the same whatever is answered, so that the App need not ask for it with each answer."""
    IN_MENU: ClassVar[bool] = False
    """Whether the grid's menu has a button for it: one of ours has, the others are in the panel, or on its cards."""
    LONG: ClassVar[bool] = False
    """Whether it shows a bar and may be delegated; ``perform`` is a generator then."""
    SHOWS_ONLY: ClassVar[bool] = False
    """Whether it neither writes nor sends anything, so that no nonce of the form is asked for."""

    @property
    def config(self) -> foo.OperatorConfig:
        """What FiftyOne asks for when it registers the operator."""
        long = {"execute_as_generator": True, "allow_immediate_execution": True, "allow_delegated_execution": True} if self.LONG else {}
        return foo.OperatorConfig(
            name=self.NAME,
            label=f"LatentDiff: {self.LABEL}",
            description=self.DESCRIPTION,
            icon=self.ICON,
            dynamic=bool(self.SUBMIT) and not self.FIXED,
            # Asked once, not with each answer: they depend on answers only where an operator says so itself.
            resolve_execution_options_on_change=type(self).resolve_execution_options is not foo.Operator.resolve_execution_options,
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
        if self.SHOWS_ONLY:
            inputs.view("calm", types.View(component=form_nonce.COMPONENT, composite_view=True))
        else:
            form_nonce.add(inputs)
        title = self.TITLE or _capital(self.LABEL)
        return types.Property(inputs, view=types.PromptView(label=title, submit_button_label=self.SUBMIT))

    def fill(self, inputs: types.Object, ctx: Any) -> None:
        """Add the form's inputs."""
        raise TypeError(f"{type(self).__name__} has a form and fills none")

    def execute(self, ctx: Any) -> Any:
        """Perform it for those who have drawn its form.

        Raises:
            InputError: they have not.
        """
        self._check(ctx)
        return self.perform(ctx)

    def resolve_run_name(self, ctx: Any) -> str:
        """The label of a delegated run. FiftyOne asks for it where it queues one, so that who has not drawn the form can queue none."""
        self._check(ctx)
        return str(super().resolve_run_name(ctx))

    def perform(self, ctx: Any) -> Any:
        """What the form asks for: one call of the SDK."""
        raise TypeError(f"{type(self).__name__} performs nothing")

    def _check(self, ctx: Any) -> None:
        if not self.SHOWS_ONLY:
            form_nonce.check(ctx.params)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
