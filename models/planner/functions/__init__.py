"""Functions of the client, called from free speech by the embedded planner. Pure.

`matching.py` says how well words fit a function's name and description, `arguments.py` finds its parameters
in them, `choice.py` puts both together and asks for what is missing, `outputs.py` puts into words what came
back.
"""
