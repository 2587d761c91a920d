# Recipes for everyday work; `just` lists them. Tools come from .venv where there is one.
export PATH := justfile_directory() / ".venv/bin:" + env("PATH")

[private]
default:
    @just --list

# Demonstrations, training and evaluation on the simulated arm
demo:
    test -d datasets/sim_so100 || hilrt record configs/sim_so100.toml
    hilrt train configs/sim_so100.toml
    hilrt eval "$(ls -td runs/sim-so100-train-* | head -n 1)"
    @echo "dashboards: hilrt dashboard   (in .venv/bin), then open an address it prints"

# All tests, two files at a time: they wait more than they compute
test *args:
    python -m pytest -n 2 --dist loadfile --no-loadscope-reorder {{args}}

# Style, types, and documents that are made from the code
check:
    ruff format --check .
    ruff check .
    mypy
    mypy benches --allow-any-generics --allow-untyped-calls --no-warn-return-any --no-warn-unused-ignores
    python docs/reference/configuration.py --check

# Every benchmark, one JSON object each
bench *args:
    for bench in ring weights bus tick learner pixels update ik collision pipeline journal dataset recording leader smooth grip takeover; do python benches/$bench.py {{args}}; done

# Make docs/reference/configuration.md anew from hilrt/config
docs:
    python docs/reference/configuration.py

# Make the guide's pictures anew from a labelled dataset and the classifier beside it
pictures dataset:
    python docs/guide/pictures.py {{dataset}}
