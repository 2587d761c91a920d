"""What all tests share."""

import os
import signal

# Shells start what they put in the background with it ignored, and that is inherited; Ctrl-C is to work.
signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.setdefault("MUJOCO_GL", "egl")  # before anything imports mujoco
