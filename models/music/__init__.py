"""Music backends.

The embedded one composes by rule:

    MusicBrief --brief--> Plan --piece--> Bar (notes) --perform--> moments --render--> sound
                            ^ steer          `--midi--> file

`describe`, `story` and `ensemble` answer a brief's questions; `form`, `harmony`, `melody`, `bass`,
`accompaniment`, `counter` and `drums` compose, each a pure function of the plan, a seed and a bar number.
"""
