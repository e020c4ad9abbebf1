"""Upstream Abseil labels -> Debian's pkg-config names."""
_SAME = {  # package -> targets whose .pc is absl_TARGET
    "absl/base": ["base", "config", "core_headers", "dynamic_annotations", "log_severity"],
    "absl/container": ["btree", "fixed_array", "flat_hash_map", "flat_hash_set", "inlined_vector", "node_hash_map", "node_hash_set"],
    "absl/debugging": ["failure_signal_handler", "leak_check", "stacktrace", "symbolize"],
    "absl/functional": ["any_invocable", "bind_front", "function_ref"],
    "absl/hash": ["hash"],
    "absl/memory": ["memory"],
        "absl/numeric": ["bits", "int128"],
    "absl/status": ["status", "statusor"],
    "absl/strings": ["cord", "str_format", "strings"],
    "absl/synchronization": ["synchronization"],
    "absl/time": ["time"],
    "absl/types": ["any", "bad_any_cast", "optional", "span", "variant"],
    "absl/utility": ["utility"],
    "absl/cleanup": ["cleanup"],
}
_OTHER = {
    "absl/base:endian": "absl_endian",
    "absl/algorithm:algorithm": "absl_algorithm",
    "absl/algorithm:container": "absl_algorithm_container",
    "absl/flags:flag": "absl_flags",
    "absl/flags:parse": "absl_flags_parse",
    "absl/flags:usage": "absl_flags_usage",
    "absl/meta:type_traits": "absl_type_traits",
    "absl/random:random": "absl_random_random",
}
def _all():
    out = dict(_OTHER)
    for package, names in _SAME.items():
        for name in names:
            out[package + ":" + name] = "absl_" + name
    return out

ABSL_TARGETS = _all()
