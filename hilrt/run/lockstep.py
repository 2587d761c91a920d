"""Simulated time: what control and learner agree on, so that results depend on no machine's speed.

The learner pays for each step before it takes the next one in, so what it knows after a step is a function of the steps
up to it. It publishes weights every `LAG` steps; control is never more than `LAG` steps ahead of it, and acts with the
newest weights that are at least `LAG` steps old. So they work side by side, and which weights decide which step is as
fixed as if they took turns. Two versions are always at hand: control's, and at most one that is newer.
"""

LAG = 8
"""Steps, of all episodes, final observations included."""
