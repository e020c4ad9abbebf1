"""Local stand-ins for what Bazel 4's own BUILD files load.

Bazel would download rules_cc, rules_java, rules_proto and, for any cc_test, its
coverage tools; tandem needs nothing of them but these names.
"""

_CC = ["binary", "import", "library", "proto_library", "test", "toolchain", "toolchain_suite"]

_JAVA = [
    "binary",
    "import",
    "library",
    "lite_proto_library",
    "package_configuration",
    "plugin",
    "proto_library",
    "runtime",
    "test",
    "toolchain",
]

def _defs(prefix, names):
    return "".join(["{0}_{1} = native.{0}_{1}\n".format(prefix, n) for n in names])

_COVERAGE = """
package(default_visibility = ["//visibility:public"])

[sh_binary(name = n, srcs = ["none.sh"]) for n in ["coverage_report_generator", "lcov_merger"]]
"""

# repository -> file -> content
STUBS = {
    "rules_cc": {
        "cc/BUILD": "",
        "cc/defs.bzl": _defs("cc", _CC) + "objc_library = native.objc_library\n",
    },
    "rules_java": {
        "java/BUILD": "",
        "java/defs.bzl": _defs("java", _JAVA),
    },
    # A file can't re-export a builtin under its own name: hence two.
    "rules_proto": {
        "proto/BUILD": "",
        "proto/native.bzl": "proto_info = ProtoInfo\n",
        "proto/defs.bzl": 'load(":native.bzl", "proto_info")\n' +
                          "ProtoInfo = proto_info\n" +
                          "proto_library = native.proto_library\n" +
                          "proto_lang_toolchain = native.proto_lang_toolchain\n",
    },
    # Coverage goes through clang (--config=cov).
    "remote_coverage_tools": {
        "BUILD.bazel": _COVERAGE,
        "none.sh": "#!/bin/sh\nexit 0\n",
    },
}

def _impl(rctx):
    rctx.file("BUILD.bazel", "")
    for path, content in STUBS[rctx.attr.stub].items():
        rctx.file(path, content, executable = path.endswith(".sh"))

stub_repository = repository_rule(
    implementation = _impl,
    attrs = {"stub": attr.string(mandatory = True)},
)
