"""The parts of flite 2.2's C headers that `libflite.py` uses. Field names are flite's."""

from __future__ import annotations

import ctypes
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_float, c_int, c_short, c_void_p


class Wave(ctypes.Structure):
    """cst_wave (cst_wave.h)."""

    _fields_ = (
        ("type", c_char_p),
        ("sample_rate", c_int),
        ("num_samples", c_int),
        ("num_channels", c_int),
        ("samples", POINTER(c_short)),
    )


# (wave, start, size, last, info) -> 0 to go on, -1 to stop
StreamCallback = CFUNCTYPE(c_int, POINTER(Wave), c_int, c_int, c_int, c_void_p)


class StreamingInfo(ctypes.Structure):
    """cst_audio_streaming_info (cst_audio.h)."""

    _fields_ = (
        ("min_buffsize", c_int),
        ("callback", StreamCallback),
        ("utterance", c_void_p),
        ("item", c_void_p),
        ("userdata", c_void_p),
    )


class Utterance(ctypes.Structure):
    """The first member of cst_utterance (cst_utterance.h)."""

    _fields_ = (("features", c_void_p),)


class Voice(ctypes.Structure):
    """The head of cst_voice (cst_voice.h)."""

    _fields_ = (("name", c_char_p), ("features", c_void_p))


class ClusterGen(ctypes.Structure):
    """cst_cg_db (cst_cg.h): a statistical voice. Its header promises that it grows only at the end."""

    _fields_ = (
        ("name", c_char_p),
        ("types", c_void_p),
        ("num_types", c_int),
        ("sample_rate", c_int),
        ("f0_mean", c_float),
        ("f0_stddev", c_float),
        ("num_f0_models", c_int),
        ("f0_trees", c_void_p),
        ("num_param_models", c_int),
        ("param_trees", c_void_p),
        ("spamf0_accent_tree", c_void_p),
        ("spamf0_phrase_tree", c_void_p),
        ("num_channels", c_void_p),
        ("num_frames", c_void_p),
        ("model_vectors", c_void_p),
        ("num_channels_spamf0_accent", c_int),
        ("num_frames_spamf0_accent", c_int),
        ("spamf0_accent_vectors", POINTER(c_void_p)),
        ("model_min", c_void_p),
        ("model_range", c_void_p),
        ("qtable", c_void_p),
        ("model_shape", c_int),
        ("frame_advance", c_float),
        ("num_dur_models", c_int),
        ("dur_stats", c_void_p),
        ("dur_cart", c_void_p),
        ("phone_states", c_void_p),
        ("do_mlpg", c_int),
        ("dynwin", c_void_p),
        ("dynwinsize", c_int),
        ("mlsa_alpha", c_float),
        ("mlsa_beta", c_float),
        ("multimodel", c_int),
        ("mixed_excitation", c_int),
        ("ME_num", c_int),
        ("ME_order", c_int),
        ("me_h", c_void_p),
        ("spamf0", c_int),
        ("gain", c_float),
        ("phoneset", c_void_p),
        ("char_sym_map", c_void_p),
        ("sym_phone_map", c_void_p),
        ("freeable", c_int),
    )


SIGNATURES: dict[str, tuple[object, tuple[object, ...]]] = {
    "flite_init": (c_int, ()),
    "new_utterance": (c_void_p, ()),
    "delete_utterance": (None, (c_void_p,)),
    "utt_init": (c_void_p, (c_void_p, c_void_p)),
    "utt_synth_tokens": (c_void_p, (c_void_p,)),
    "utt_relation": (c_void_p, (c_void_p, c_char_p)),
    "utt_relation_create": (c_void_p, (c_void_p, c_char_p)),
    "relation_append": (c_void_p, (c_void_p, c_void_p)),
    "relation_head": (c_void_p, (c_void_p,)),
    "item_next": (c_void_p, (c_void_p,)),
    "item_set_string": (None, (c_void_p, c_char_p, c_char_p)),
    "item_set_int": (None, (c_void_p, c_char_p, c_int)),
    "item_feat_string": (c_char_p, (c_void_p, c_char_p)),
    "item_feat_float": (c_float, (c_void_p, c_char_p)),
    "ffeature_int": (c_int, (c_void_p, c_char_p)),
    "feat_set": (None, (c_void_p, c_char_p, c_void_p)),
    "feat_set_float": (None, (c_void_p, c_char_p, c_float)),
    "get_param_float": (c_float, (c_void_p, c_char_p, c_float)),
    "get_param_val": (c_void_p, (c_void_p, c_char_p, c_void_p)),
    "val_cg_db": (POINTER(ClusterGen), (c_void_p,)),
    "cg_db_val": (c_void_p, (c_void_p,)),
    "new_audio_streaming_info": (POINTER(StreamingInfo), ()),
    "audio_streaming_info_val": (c_void_p, (c_void_p,)),
}
