"""The jobs a person asks for, one file each; most are one run from start to summary (`run.py`)."""
