"""How each kind of sound is made: a generator of stereo blocks a kind (`models.sound.layer.Kind.make`)."""
