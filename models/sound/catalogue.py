"""Every kind of sound there is. To add one: a generator function in `kinds/` and a row here.

`gain` is what `python -m models.sound.calibrate` prints for the kind.
"""

from __future__ import annotations

from collections.abc import Mapping

from models.sound.kinds import creatures, impacts, machines, people, signals, water, weather
from models.sound.layer import Kind

_RAIN_ON = ("tin", "leaves", "glass", "canvas", "wood", "water")
_UNDERFOOT = ("wood", "gravel", "snow", "leaves", "tin", "water")

# fmt: off
_ROWS: tuple[Kind, ...] = (
    Kind("rain", weather.rain, 5.3, surfaces=_RAIN_ON,
         words="rainy, raining, raindrops, drizzle, downpour, shower"),
    Kind("wind", weather.wind, 1.4, surfaces=("leaves",), words="windy, breeze, gale, gust, howling wind"),
    Kind("thunder", weather.thunder, -6.6, texture=False, pause=(6.0, 16.0), room=0.15,
         words="thunder clap, thunderclap, lightning"),
    Kind("white noise", weather.white_noise, -20.0, words="noise, hiss"),
    Kind("pink noise", weather.pink_noise, -14.2),
    Kind("brown noise", weather.brown_noise, -12.8, words="brownian noise, red noise"),
    Kind("radio static", weather.static, -7.0, words="static, radio noise, radio"),
    Kind("fan", weather.fan, -12.6, words="ventilator, air conditioner, air conditioning"),
    Kind("sea", water.sea, -4.6, words="ocean, wave, surf, seaside, beach, shore, seashore, coast"),
    Kind("stream", water.stream, 14.4,
         words="brook, creek, river, babbling brook, running water, water, fountain"),
    Kind("waterfall", water.waterfall, -11.0, words="water fall, cascade, rapids, niagara"),
    Kind("drip", water.drip, 4.3, room=0.35,
         words="dripping tap, dripping water, water drop, water drip, leaky tap, leaky faucet, droplet, "
               "cave"),
    Kind("bubbles", water.bubbles, 6.1, words="bubbling, boiling, boiling water, underwater, cauldron"),
    Kind("splash", water.splash, 0.9, texture=False, words="water splash"),
    Kind("fire", water.fire, 3.3, words="campfire, camp fire, bonfire, fireplace, flame, crackling, burning"),
    Kind("birds", creatures.birds, 2.2, room=0.08,
         words="birdsong, bird song, tweet, songbird, dawn chorus, birdie"),
    Kind("crickets", creatures.crickets, -1.8, words="cicada, grasshopper"),
    Kind("frogs", creatures.frogs, 4.5, room=0.05, words="toad, croak, ribbit"),
    Kind("bees", creatures.bees, -0.5, words="swarm, buzz, bumblebee, wasp, fly buzzing, beehive, mosquito"),
    Kind("owl", creatures.owl, -9.5, texture=False, pause=(4.0, 9.0), room=0.2, words="hoot"),
    Kind("cuckoo", creatures.cuckoo, -6.6, texture=False, pause=(3.0, 8.0), room=0.15, words="cuckoo clock"),
    Kind("dog", creatures.dog, 6.0, texture=False, pause=(1.0, 4.0), room=0.08,
         words="bark, dog bark, barking dog, puppy, hound, woof"),
    Kind("gulls", creatures.gulls, 1.4, room=0.1, words="seagull, sea gull, gull"),
    Kind("horse", creatures.horse, -1.1, texture=False, words="hoof, hooves, gallop, galloping horse, pony"),
    Kind("crowd", people.crowd, 8.0, room=0.12,
         words="people talking, people, chatter, babble, restaurant, cafe, coffee shop, pub, party, murmur"),
    Kind("applause", people.applause, 9.3, texture=False, room=0.15,
         words="applauding, clap, hand clap, ovation, audience"),
    Kind("steps", people.steps, -1.0, texture=False, pause=(0.5, 1.0), room=0.06, surfaces=_UNDERFOOT,
         words="footstep, foot step, walking, footfall, running feet, running on, someone running"),
    Kind("knock", people.knock, -4.1, texture=False, room=0.08, surfaces=("glass", "tin"),
         words="door knock, knock on the door, knock at the door, knock on door"),
    Kind("door slam", people.slam, -6.2, texture=False, room=0.1,
         words="slam, door close, door shut, slamming door, bang"),
    Kind("door creak", people.creak, 3.6, texture=False, room=0.1,
         words="creak, squeak, creaky door, creak door, squeak door, door open, hinge"),
    Kind("typing", people.typing, 2.8, room=0.04,
         words="keyboard, typewriter, keyboard typing, typing on a keyboard"),
    Kind("heartbeat", people.heartbeat, -0.3, words="heart, heart beat, pulse"),
    Kind("engine", machines.engine, 0.5,
         words="motor, car, car engine, motorbike, motorcycle, truck, tractor, diesel"),
    Kind("train", machines.train, -2.5, words="railway, rail, train on tracks, steam train"),
    Kind("helicopter", machines.helicopter, 3.3, words="chopper"),
    Kind("aeroplane", machines.aeroplane, -8.3, words="airplane, plane, jet, jet engine, aircraft, rocket"),
    Kind("clock", machines.clock, -3.6, room=0.05,
         words="tick, tick tock, ticking clock, clock tick, metronome, watch"),
    Kind("hum", machines.hum, -15.5, words="mains, transformer, fridge, refrigerator, electric hum, drone"),
    Kind("traffic", machines.traffic, -3.5,
         words="cars passing, passing cars, street, road, city, motorway, highway, busy street"),
    Kind("vacuum cleaner", machines.vacuum, -6.6,
         words="vacuum, hoover, hair dryer, hairdryer, blender, drill"),
    Kind("siren", signals.siren, -14.4, room=0.12,
         words="police, police siren, police car, fire engine, fire truck, emergency vehicle siren, "
               "emergency vehicle"),
    Kind("ambulance", signals.ambulance, -14.8, room=0.12, words="ambulance siren, two tone siren"),
    Kind("air raid siren", signals.air_raid, -15.0, room=0.2,
         words="air raid, tornado siren, civil defence siren"),
    Kind("wind chimes", signals.chimes, 3.4, room=0.1, words="chime, windchime"),
    Kind("bell", signals.bell, -8.8, texture=False, pause=(0.5, 2.0), room=0.08,
         words="hand bell, bicycle bell, ding, jingle, school bell"),
    Kind("church bell", signals.church_bell, -13.9, texture=False, pause=(0.2, 0.6), room=0.15,
         words="cathedral bell, clock tower, clock strike, toll, big ben, church, bell tower"),
    Kind("gong", signals.gong, -14.9, texture=False, room=0.1),
    Kind("doorbell", signals.doorbell, -4.5, texture=False, room=0.08, words="door bell, ding dong"),
    Kind("alarm", signals.alarm, -8.1, texture=False, pause=(0.3, 0.3),
         words="alarm clock, alarm beep, car alarm, burglar alarm"),
    Kind("smoke alarm", signals.smoke_alarm, -10.6, texture=False, pause=(0.0, 0.0),
         words="fire alarm, smoke detector"),
    Kind("telephone", signals.phone, -0.1, texture=False, pause=(0.5, 1.0), room=0.05,
         words="phone, phone ring, telephone ring, ringing phone"),
    Kind("beep", signals.beep, -6.7, texture=False, pause=(0.8, 0.8), words="bleep"),
    Kind("horn", signals.horn, -15.8, texture=False, room=0.06, words="car horn, honk, hooter"),
    Kind("foghorn", signals.foghorn, -11.1, texture=False, pause=(5.0, 12.0), room=0.3,
         words="ship horn, fog horn, ship, ferry, boat horn"),
    Kind("whistle", signals.whistle, -7.0, texture=False, room=0.08, words="referee, referee whistle"),
    Kind("explosion", impacts.explosion, -10.8, texture=False, pause=(3.0, 7.0), room=0.15,
         words="explode, exploding, blast, bomb, boom, cannon, fireworks"),
    Kind("gunshot", impacts.gunshot, -0.0, texture=False, room=0.12,
         words="gun, gun shot, shot, pistol, rifle"),
    Kind("breaking glass", impacts.glass, -4.2, texture=False, room=0.06,
         words="glass breaking, glass, break window, glass shattering, shatter, window breaking, "
               "glass smash, smash"),
    Kind("laser", impacts.laser, -4.6, texture=False, pause=(0.5, 1.5),
         words="blaster, ray gun, zap, phaser, laser gun, laser beam"),
    Kind("whoosh", impacts.whoosh, -0.8, texture=False, pause=(1.0, 2.0), words="swoosh, swish"),
    Kind("hammer", impacts.hammer, -4.2, texture=False, pause=(0.5, 1.5), room=0.06,
         words="hammering, hammer on nail, nail, anvil"),
    Kind("coin", impacts.coin, -3.2, texture=False, words="coin drop, dropped coin"),
    Kind("pop", impacts.pop, -4.4, texture=False, words="cork, champagne"),
)
# fmt: on

KINDS: Mapping[str, Kind] = {row.name: row for row in _ROWS}

# Words for several sounds at once.
SCENES: Mapping[str, tuple[str, ...]] = {
    "storm": ("rain", "wind", "thunder"),
    "stormy": ("rain", "wind", "thunder"),
    "thunderstorm": ("rain", "thunder"),
    "thunder storm": ("rain", "thunder"),
    "rainstorm": ("rain", "wind"),
    "forest": ("birds", "wind"),
    "jungle": ("birds", "crickets", "stream"),
    "harbour": ("sea", "gulls", "foghorn"),
    "harbor": ("sea", "gulls", "foghorn"),
    "pond": ("frogs", "crickets"),
    "meadow": ("birds", "bees"),
}
