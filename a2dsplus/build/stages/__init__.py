"""The stages in order, each a function of the workspace and the options: read, roles, contrast, compose, render.

Each reads the tables of the stage before it and writes its own, and remembers what they were made from: run again, only what is missing or changed
is done. What a killed run had finished is kept. A stage can be run alone.
"""
