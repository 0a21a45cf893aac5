"""Many small optimisations at once: limited-memory BFGS over the columns of a matrix (Nocedal and Wright, algorithm 7.5)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

MEMORY = 8
ARMIJO = 1e-4
SHORTEST_STEP = 1e-6

Objective = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""(p, c) parameters of c problems -> (c,) values and (p, c) gradients."""


def minimise(objective: Objective, start: np.ndarray, tolerance: float | np.ndarray, iterations: int) -> np.ndarray:
    """Minimise c independent smooth functions, one a column; one call of the objective serves them all.

    Args:
        objective: values and gradients at (p, c) parameters.
        start: (p, c) first guess; coordinates in which the Hessian is near the identity converge in few iterations.
        tolerance: a column is done when its gradient's norm falls below this; one number, or (c,).
        iterations: at most so many.

    Returns:
        (p, c) parameters.
    """
    x = start.copy()
    value, gradient = objective(x)
    steps: list[np.ndarray] = []
    changes: list[np.ndarray] = []
    for _ in range(iterations):
        busy = np.linalg.norm(gradient, axis=0) > tolerance
        if not busy.any():
            break
        direction = np.where(busy, -_two_loops(gradient, steps, changes), 0.0)
        new, new_value, new_gradient, moved = _search(objective, x, value, gradient, direction)
        if not moved.any():
            break  # rounding in the objective hides any further descent
        steps, changes = [*steps, new - x][-MEMORY:], [*changes, new_gradient - gradient][-MEMORY:]
        x, value, gradient = new, new_value, new_gradient
    return x


def _two_loops(gradient: np.ndarray, steps: list[np.ndarray], changes: list[np.ndarray]) -> np.ndarray:
    """Approximate inverse Hessian times gradient, per column; pairs without positive curvature are passed over."""
    q, used = gradient.copy(), []
    for s, y in zip(reversed(steps), reversed(changes), strict=True):
        curvature = (s * y).sum(0)
        good = curvature > 1e-12 * (y * y).sum(0)
        rho = np.divide(1.0, curvature, out=np.zeros_like(curvature), where=good)
        alpha = rho * (s * q).sum(0)
        q -= alpha * y
        used.append((s, y, rho, alpha))
    if used:
        s, y, rho, _ = used[0]
        scale = np.divide((s * y).sum(0), (y * y).sum(0), out=np.ones(q.shape[1]), where=rho > 0)
        q *= scale
    for s, y, rho, alpha in reversed(used):
        q += s * (alpha - rho * (y * q).sum(0))
    return q


def _search(
    objective: Objective, x: np.ndarray, value: np.ndarray, gradient: np.ndarray, direction: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Backtracking from a unit step; columns that find no descent stay where they are."""
    slope = (gradient * direction).sum(0)
    length = np.where(slope < 0, 1.0, 0.0)
    accepted = length == 0
    new, new_value, new_gradient = x, value, gradient
    while not accepted.all():
        trial = x + length * direction
        trial_value, trial_gradient = objective(trial)
        ok = ~accepted & (trial_value <= value + ARMIJO * length * slope)
        new, new_gradient = np.where(ok, trial, new), np.where(ok, trial_gradient, new_gradient)
        new_value = np.where(ok, trial_value, new_value)
        accepted |= ok
        length = np.where(accepted, length, length / 2)
        accepted |= length < SHORTEST_STEP
    return new, new_value, new_gradient, (new != x).any(0)
