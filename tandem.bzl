"""cc rules as tandem uses them: with the attributes of cc_library and so on.

Headers are included by their path from the root under "tandem/", inside this
repository and from any other that depends on it: #include "tandem/ir/graph.h".
"""

COPTS = [
    "-std=c++17",
    "-Wall",
    "-Wextra",
    "-Wno-unused-parameter",
    "-Werror=return-type",
    "-Werror=uninitialized",
    # GCC guesses at this one, wrongly in instrumented code.
    "-Wno-error=maybe-uninitialized",
]

_HEADERS = (".h", ".inc")

def _split(files):
    headers, others = [], []
    for f in files:
        (headers if f.endswith(_HEADERS) else others).append(f)
    return headers, others

def tandem_cc_library(name, srcs = [], hdrs = [], copts = [], **kwargs):
    """cc_library whose headers are found under "tandem/".

    Headers named in srcs (private ones) are found in the same way.
    """
    headers, sources = _split(srcs) if type(srcs) == "list" else ([], srcs)
    native.cc_library(
        name = name,
        srcs = sources,
        hdrs = hdrs + headers,
        copts = COPTS + copts,
        include_prefix = "tandem",
        strip_include_prefix = "/",
        **kwargs
    )

def _with_headers(name, srcs, deps, testonly):
    # cc_binary has no include_prefix: its headers become a library.
    headers, sources = _split(srcs)
    if headers:
        native.cc_library(
            name = name + "_hdrs",
            testonly = testonly,
            hdrs = headers,
            include_prefix = "tandem",
            strip_include_prefix = "/",
            visibility = ["//visibility:private"],
            deps = deps,
        )
        deps = deps + [":" + name + "_hdrs"]
    return sources, deps

def tandem_cc_binary(name, srcs = [], deps = [], copts = [], testonly = False, **kwargs):
    """cc_binary; headers named in srcs are found under "tandem/"."""
    sources, deps = _with_headers(name, srcs, deps, testonly)
    native.cc_binary(
        name = name,
        testonly = testonly,
        srcs = sources,
        copts = COPTS + copts,
        deps = deps,
        **kwargs
    )

def tandem_cc_test(name, srcs = [], deps = [], copts = [], main = True, size = "small", **kwargs):
    """cc_test with GoogleTest and, unless main = False, its main()."""
    sources, deps = _with_headers(name, srcs, deps, True)
    gtest = ["@com_google_googletest//:gtest"]
    if main:
        gtest.append("@com_google_googletest//:gtest_main")
    native.cc_test(
        name = name,
        size = size,
        srcs = sources,
        copts = COPTS + copts,
        linkstatic = True,
        deps = [d for d in deps if d not in gtest] + gtest,
        **kwargs
    )

def tandem_cc_fuzz_test(name, srcs, deps = [], corpus = [], copts = [], tags = [], **kwargs):
    """A libFuzzer target, and a test that runs its corpus without libFuzzer.

    NAME is built by --config=fuzz only (tags `fuzz`, `manual`);
    NAME_corpus_test is an ordinary test: no file of the corpus may crash.
    """
    native.cc_binary(
        name = name,
        testonly = True,
        srcs = srcs,
        copts = COPTS + copts,
        linkopts = ["-fsanitize=fuzzer"],
        tags = tags + ["fuzz", "manual"],
        deps = deps,
        **kwargs
    )
    native.cc_test(
        name = name + "_corpus_test",
        size = "small",
        srcs = srcs,
        args = ["$(locations %s)" % c for c in corpus],
        copts = COPTS + copts,
        data = corpus,
        linkstatic = True,
        tags = tags,
        deps = deps + ["//tests/fuzz:corpus_main"],
    )
