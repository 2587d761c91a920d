"""The way over from LeRobot's HIL-SERL: its JSON files become one task file.

`source` reads them; `arm`, `scene`, `training` and `left` say what becomes of each field, `reading` does it; `adjust`
and `calibration` see to what one field alone does not tell; `draft` is the task file, `job` the command.
"""
