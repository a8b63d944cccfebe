"""The words of sounds: what makes them, and how they are described."""

from __future__ import annotations

from models.planner.vocabulary import word_set

SOURCES = word_set(
    "rain raining rainfall drizzle thunder thunderstorm storm wind breeze gale sea"
    " ocean waves wave surf water stream river creek brook waterfall fire fireplace"
    " campfire crackling siren sirens ambulance engine motor bell bells church gong"
    " footsteps steps footstep walking applause clapping cheering birds bird"
    " birdsong chirping crowd chatter people murmur clock ticking alarm laser"
    " lasers explosion explosions gun gunshot door knock knocking dog barking bark"
    " cat meow purring horse hooves cow sheep rooster frog frogs crickets cricket"
    " insects bees wolf owl train helicopter airplane plane jet car cars traffic"
    " horn truck motorcycle boat ship rocket heartbeat breathing snoring laughter"
    " laughing sneeze cough typing keyboard phone telephone ringing beep beeping"
    " buzz buzzing hum whistle static noise glass breaking splash bubbles drip"
    " dripping hail snow forest jungle city street cafe restaurant office beach"
    " night swamp farm spaceship robot ufo zap coin whoosh sizzling frying kettle"
    " fan vacuum drill hammer saw saws chainsaw fireworks firework doorbell cicadas"
    " seagulls gulls"
)
# These name an instrument or a mood as well, and count as sounds only with company.
AMBIGUOUS = word_set(
    "horn church bell bells night people city sea ocean steps hum whistle alarm keyboard robot forest jungle"
)
NOUNS = word_set("sound sounds noise noises effect effects soundscape ambience atmosphere audio sfx")
QUALIFIERS = word_set(
    "heavy light gentle soft loud distant far away near nearby close strong hard"
    " big small deep high low slow fast roof tin window leaves metal wood wooden"
    " stone gravel sand inside outside tent umbrella car old new quiet rolling"
    " crashing passing approaching over under behind through into against like calm"
    " wild steady long short background tropical summer winter spring autumn"
    " morning mountain from by off across along around between with and without no"
    " white pink brown busy empty large huge tiny sharp dull"
)
