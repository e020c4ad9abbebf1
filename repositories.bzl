"""Everything that tandem needs from outside, under upstream's labels.

A workspace that has the real thing declares a repository of the same name
before it calls tandem_dependencies(), which then leaves that one alone.
"""

load("//third_party/bazel:absl.bzl", "ABSL_TARGETS")
load("//third_party/bazel:local.bzl", "system_repository")
load("//third_party/bazel:stubs.bzl", "STUBS", "stub_repository")
load("//third_party/bazel:system.bzl", "cuda_repository", "pkgconfig_repository", "wheel_repository")

def declare_dependencies(existing):
    """Declares every repository whose name is not in `existing`."""
    if "com_google_absl" not in existing:
        pkgconfig_repository(
            name = "com_google_absl",
            debian_package = "libabsl-dev",
            targets = ABSL_TARGETS,
        )
    for name, path, members, build_file in [
        ("com_google_protobuf", "/usr", ["bin/protoc", "include/google"], "protobuf"),
        ("com_google_googletest", "/usr/src/googletest", ["googletest", "googlemock"], "googletest"),
        ("com_github_google_benchmark", "/usr/include/benchmark", [], "benchmark"),
        ("com_googlesource_code_re2", "/usr/include", [], "re2"),
        ("zlib", "/usr/include", [], "zlib"),
    ]:
        if name not in existing:
            system_repository(
                name = name,
                build_file = Label("//third_party/bazel:%s.BUILD" % build_file),
                members = members,
                path = path,
            )
    if "onednn" not in existing:
        wheel_repository(
            name = "onednn",
            build_file = Label("//third_party/bazel:onednn.BUILD"),
            members = [
                "include/",
                "lib/libdnnl.so.3",
            ],
            wheels = {
                "onednn-cpu-gomp==2023.2.0": "2f22a54d6a890ed14bfa185d42a4be65d8b5b1df85dc1f0f3a9abe31620416fb",
                "onednn-devel-cpu-gomp==2023.2.0": "9763c69e8c907e119056bd52ad918ca84ac9ba939d130a99dfa95ccca3e5e284",
            },
        )
    if "silero_vad" not in existing:
        wheel_repository(
            name = "silero_vad",
            build_file = Label("//third_party/bazel:silero_vad.BUILD"),
            members = ["silero_vad/data/silero_vad.jit"],
            wheels = {
                "silero-vad==6.2.3": "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8",
            },
        )
    if "cuda" not in existing:
        cuda_repository(name = "cuda", build_file = Label("//third_party/bazel:cuda.BUILD"))

def tandem_dependencies():
    """Declares what is still missing; call it from WORKSPACE."""
    for name in STUBS:
        if name not in native.existing_rules():
            stub_repository(name = name, stub = name)
    declare_dependencies(native.existing_rules())
